"""Scripts in the real interpreter: what they may do, what stops them, what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import msgspec
import pytest

from asbru.core.errors import Forbidden
from asbru.mcp.access import NeedsApproval
from asbru.mcp.catalogue import Definition, digest_of
from asbru.mcp.code import Done, Library, Sandbox, Script, ScriptError, ScriptLimits, Suspended

LIMITS = ScriptLimits(time_s=5.0, total_s=20.0, call_s=5.0, memory_bytes=32 << 20, calls_max=20)
_T = TypeVar("_T")


def definition(name: str, **schema: Any) -> Definition:
    """A tool."""
    text = msgspec.json.encode({"name": name, "inputSchema": {"type": "object", "properties": schema}})
    return Definition(name, text, digest_of(text))


GRANTED = {
    "git-hub": (definition("get_issue", number={"type": "integer"}), definition("close-issue"), definition("fail")),
    "shop": (definition("order", **{"item-id": {"type": "string"}}),),
}


class Tools:
    """Answers, and remembers what was called. `unapproved`, `refused`: tools."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.unapproved: set[str] = set()
        self.refused: set[str] = set()
        self.running = self.running_max = 0
        self.gate: asyncio.Event | None = None

    async def call(self, server: str, tool: str, arguments: bytes, *, approved: bool) -> bytes:
        """As the path does: asks each time."""
        given = msgspec.json.decode(arguments)
        if tool in self.refused:
            raise Forbidden(f"the key may not use {server}/{tool}", code="tool_not_permitted")
        if tool in self.unapproved and not approved:
            raise NeedsApproval
        self.calls.append((server, tool, given))
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        if self.gate is not None:
            if self.running == 2:
                self.gate.set()
            await self.gate.wait()
        self.running -= 1
        if tool == "fail":
            return b'{"content":[{"type":"text","text":"no such issue"}],"isError":true}'
        return msgspec.json.encode({"content": [], "structuredContent": {"tool": tool, "given": given}})


class Runner:
    """One loop and one sandbox for all tests."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.sandbox = Sandbox(processes_max=2)

    def do(self, what: Callable[[], Awaitable[_T]]) -> _T:
        """In the loop."""

        async def done() -> _T:
            return await what()

        return self.loop.run_until_complete(done())

    def run(self, code: str, tools: Tools | None = None, **limits: Any) -> Done | Suspended:
        """A script from its start."""
        script = Script(self.sandbox, Library(GRANTED), tools or Tools(), msgspec.structs.replace(LIMITS, **limits))
        return self.do(lambda: script.run(code))

    def result(self, code: str, tools: Tools | None = None) -> Any:
        """The value of `result`."""
        done = self.run(code, tools)
        assert isinstance(done, Done)
        return None if done.result is None else msgspec.json.decode(done.result)

    def fails(self, code: str, **limits: Any) -> ScriptError:
        """Why it fails."""
        with pytest.raises(ScriptError) as caught:
            self.run(code, **limits)
        return caught.value


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    """See the class."""
    one = Runner()
    yield one
    one.do(one.sandbox.close)
    one.loop.close()


def test_calls_give_values(runner: Runner) -> None:
    """A call looks like a function, with the tool's own names of arguments behind it; print and `result` come back."""
    tools = Tools()
    done = runner.run("x = git_hub.get_issue(number=3)\nprint(x['tool'])\nresult = shop.order(item_id='a')", tools)
    assert isinstance(done, Done)
    assert (done.printed, done.calls) == ("get_issue\n", 2)
    assert msgspec.json.decode(done.result or b"") == {"tool": "order", "given": {"item-id": "a"}}
    assert tools.calls == [("git-hub", "get_issue", {"number": 3}), ("shop", "order", {"item-id": "a"})]


def test_a_script_without_a_result(runner: Runner) -> None:
    """Nothing of what its calls returned comes back by itself."""
    done = runner.run("git_hub.get_issue(number=3)")
    assert isinstance(done, Done) and done.result is None and done.printed == ""


def test_errors_of_tools_are_exceptions(runner: Runner) -> None:
    """A script may catch them, and sees the tool's own words."""
    code = "try:\n    git_hub.fail()\nexcept Exception as error:\n    result = str(error)"
    assert runner.result(code) == "git-hub/fail: no such issue"


def test_calls_run_at_the_same_time(runner: Runner) -> None:
    """With gather: the first waits here until the second has begun."""
    tools = Tools()
    tools.gate = asyncio.Event()
    code = (
        "import asyncio\nfound = await asyncio.gather(*[git_hub.get_issue(number=one) for one in (1, 2)])\n"
        "result = [one['given']['number'] for one in found]"
    )
    assert runner.result(code, tools) == [1, 2]
    assert tools.running_max == 2


def test_a_single_call_may_be_awaited(runner: Runner) -> None:
    """Models write it either way, also after letters of several bytes."""
    assert runner.result("word = 'äö€'\nresult = (await git_hub.get_issue(number=1))['given']") == {"number": 1}


@pytest.mark.parametrize(
    "call",
    [
        "y = git_hub\ny.close_issue()",
        "f = git_hub.close_issue\nf()",
        "getattr(git_hub, 'close' + '_issue')()",
        "[git_hub][0].close_issue()",
        "{'a': git_hub.close_issue}['a']()",
        "[one.close_issue() for one in [git_hub]]",
        "import asyncio\nawait asyncio.gather(git_hub.close_issue())",
    ],
)
def test_approval_is_asked_however_a_tool_is_named(runner: Runner, call: str) -> None:
    """Each of these calls a tool that needs approval under another name: it is not made, and waits."""
    tools = Tools()
    tools.unapproved = {"close-issue"}
    found = runner.run(call, tools)
    assert isinstance(found, Suspended)
    assert (found.pending.server, found.pending.tool, tools.calls) == ("git-hub", "close-issue", [])


@pytest.mark.parametrize("call", ["y = git_hub\ny.{}()", "getattr(git_hub, '{}')()", "f = git_hub.{}\nf()"])
@pytest.mark.parametrize("name", ["delete_repo", "__class__", "_hidden"])
def test_what_is_not_granted_is_not_there(runner: Runner, call: str, name: str) -> None:
    """A script cannot reach a tool that the caller may not use, whatever the server has."""
    error = runner.fails(call.format(name))
    assert error.kind == "runtime"


def test_a_refusal_at_the_call_is_an_exception(runner: Runner) -> None:
    """Permission was taken away, or an argument is not allowed: the script learns why."""
    tools = Tools()
    tools.refused = {"order"}
    code = "try:\n    shop.order()\nexcept Exception as error:\n    result = str(error)"
    assert runner.result(code, tools) == "the key may not use shop/order"


def test_a_suspended_script_goes_on(runner: Runner) -> None:
    """In another process, with its variables, what it printed, and results that came before."""
    tools = Tools()
    tools.unapproved = {"close-issue"}
    code = (
        "import asyncio\nprint('before')\nn = 41\n"
        "found = await asyncio.gather(git_hub.get_issue(number=7), git_hub.close_issue())\n"
        "result = [n + 1, found[0]['given'], found[1]['tool']]"
    )
    found = runner.run(code, tools)
    assert isinstance(found, Suspended) and found.printed == "before\n"
    again = Script(runner.sandbox, Library(GRANTED), tools, LIMITS)
    done = runner.do(lambda: again.resume(found.state, approved=True))
    assert isinstance(done, Done) and done.printed == "before\n"
    assert msgspec.json.decode(done.result or b"") == [42, {"number": 7}, "close-issue"]
    assert [tool for _, tool, _ in tools.calls] == ["get_issue", "close-issue"]


def test_a_denied_call_is_an_exception(runner: Runner) -> None:
    """It is not made; the script may go on without it."""
    tools = Tools()
    tools.unapproved = {"close-issue"}
    found = runner.run("try:\n    git_hub.close_issue()\nexcept Exception as error:\n    result = str(error)", tools)
    assert isinstance(found, Suspended)
    again = Script(runner.sandbox, Library(GRANTED), tools, LIMITS)
    done = runner.do(lambda: again.resume(found.state, approved=False))
    assert isinstance(done, Done) and done.result == b'"the call was not approved"'
    assert tools.calls == []


@pytest.mark.parametrize(
    ("code", "kind", "line"),
    [
        ("x = 1\nwhile True:\n    pass", "time", 0),
        ("x = []\nwhile True:\n    x.append('a' * 100_000)", "memory", 0),
        ("x = 'a' * 10 ** 11", "memory", 0),
        ("def f():\n    return f()\nf()", "recursion", 2),
        ("for i in range(100):\n    git_hub.get_issue(number=i)", "calls", 2),
        ("while True:\n    print('x' * 1000)", "output", 0),
        ("result = 'x' * 2_000_000", "output", 0),
        ("x = 1 +", "syntax", 1),
        ("(" * 5000, "syntax", 0),
        ("import os", "import", 1),
        ("x = 1\nfrom subprocess import run", "import", 2),
        ("e = exec\ne('import os')", "import", 1),
        ("open('/etc/passwd').read()", "runtime", 1),
        ("unknown.tool()", "runtime", 1),
        ("x = 1\n\nraise ValueError('odd')", "runtime", 3),
        ("().__class__.__bases__", "runtime", 1),
        ("a" * 200_000, "size", 0),
    ],
)
def test_each_limit_has_its_own_error(runner: Runner, code: str, kind: str, line: int) -> None:
    """With the line of the script where it is known."""
    error = runner.fails(code, time_s=0.5)
    assert (error.kind, error.line if line else 0) == (kind, line), error.text


def test_a_tool_that_hangs_ends_its_call_alone(runner: Runner) -> None:
    """A call has its own time, which is not the script's."""
    tools = Tools()
    tools.gate = asyncio.Event()
    code = "try:\n    git_hub.get_issue(number=1)\nexcept TimeoutError as error:\n    result = 'late'"
    done = runner.run(code, tools, call_s=0.05)
    assert isinstance(done, Done) and done.result == b'"late"'


def test_the_sandbox_serves_after_a_failure(runner: Runner) -> None:
    """Whatever the script before did."""
    runner.fails("x = 'a' * 10 ** 11")
    assert runner.result("result = 1 + 1") == 2
