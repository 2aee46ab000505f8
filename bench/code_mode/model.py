"""The scripted model: it writes the next step of a task, going by nothing but the request that it is given.

It fails (`Stuck`) if a tool is not offered, or if a file, a signature or a result that it needs is not in its context.
It makes no mistakes, with or without code mode.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from asbru.mcp.code import META_TOOLS
from bench.code_mode.head import follow, used
from bench.code_mode.task import Task

_LIST, _READ, _DOCS, _EXECUTE = (one.name for one in META_TOOLS)
_RESULT = re.compile(r"^Result:\n(.*)\Z", re.DOTALL | re.MULTILINE)


class Stuck(Exception):
    """The model cannot go on."""


@dataclass(frozen=True)
class Offered:
    """A tool of a request."""

    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class Step:
    """A reply of the model: calls of tools (id, name, arguments), or with none the final one."""

    calls: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    final: str = ""


@dataclass
class Request:
    """What a model is given. `results`: the text of each call's result, by the call's id."""

    tools: dict[str, Offered]
    prompt: str
    results: dict[str, str] = field(default_factory=dict)


Model = Generator[Step, Request, None]


class _Calls:
    """Makes calls with ids that no other call of the conversation has."""

    def __init__(self) -> None:
        self._count = 0

    def step(self, request: Request, *calls: tuple[str, dict[str, Any]]) -> Step:
        """A step of these calls, if the tools are offered and take these arguments."""
        made: list[tuple[str, str, dict[str, Any]]] = []
        for name, arguments in calls:
            offered = request.tools.get(name)
            if offered is None:
                raise Stuck(f"the tool {name} is not offered")
            known, needed = offered.schema.get("properties", {}), offered.schema.get("required", [])
            if unknown := (set(arguments) - set(known)) or (set(needed) - set(arguments)):
                raise Stuck(f"{name} does not fit the arguments {', '.join(sorted(unknown))}")
            self._count += 1
            made.append((f"call_{self._count}", name, arguments))
        return Step(tuple(made))


def _texts(request: Request, step: Step) -> list[str]:
    for call, name, _ in step.calls:
        if call not in request.results:
            raise Stuck(f"there is no result of {name}")
    return [request.results[call] for call, _, _ in step.calls]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Stuck(f"no value can be read in {text[:200]!r}") from None


def classic(task: Task, request: Request) -> Model:
    """With all tools in the context."""
    calls = _Calls()
    value: Any = None
    for number, script in enumerate(task.scripts):
        names = {"chosen": task.judge(value)} if number and task.judge else {}
        following = follow(script, names)
        try:
            wanted = next(following)
            while True:
                step = calls.step(request, *((f"{one.server}__{one.tool}", one.arguments) for one in wanted))
                request = yield step
                wanted = following.send([_value(text) for text in _texts(request, step)])
        except StopIteration as end:
            value = end.value
    yield Step(final=json.dumps(value))


def with_code(task: Task, request: Request) -> Model:
    """With the four tools of code mode."""
    calls = _Calls()
    needed: dict[tuple[str, str], set[str]] = {}
    for script in task.scripts:
        for tool, arguments in used(script).items():
            needed.setdefault(tool, set()).update(arguments)
    step = calls.step(request, (_LIST, {}))
    request = yield step
    files = _files(_texts(request, step)[0], needed)
    step = calls.step(request, *((_READ, {"fileName": file}) for file in files))
    request = yield step
    _check_stubs("\n".join(_texts(request, step)), needed)
    if task.documented is not None:
        server, tool, words = task.documented
        step = calls.step(request, (_DOCS, {"server": server, "tool": tool}))
        request = yield step
        if words not in _texts(request, step)[0]:
            raise Stuck(f"the documentation of {tool} does not say {words!r}")
    value: Any = None
    for number, script in enumerate(task.scripts):
        first = f"chosen = {json.dumps(task.judge(value))}\n" if number and task.judge else ""
        step = calls.step(request, (_EXECUTE, {"code": first + script}))
        request = yield step
        text = _texts(request, step)[0]
        found = _RESULT.search(text)
        if found is None:
            raise Stuck(f"the script gave no result: {text[:300]}")
        value = _value(found.group(1))
    yield Step(final=json.dumps(value))


def _files(listing: str, needed: dict[tuple[str, str], set[str]]) -> list[str]:
    """The files that a model reads for these tools, out of what was listed."""
    folder = ""
    listed: dict[tuple[str, str], str] = {}
    for line in listing.splitlines():
        name = line.strip().partition("  ")[0]
        if name.endswith("/") and line.startswith("  "):
            folder = name
        elif name.endswith(".pyi"):
            server = folder.strip("/") if line.startswith("    ") else name.removesuffix(".pyi")
            path = f"servers/{folder}{name}" if line.startswith("    ") else f"servers/{name}"
            listed[server, name.removesuffix(".pyi") if line.startswith("    ") else ""] = path
    files: list[str] = []
    for server, tool in needed:
        path = listed.get((server, "")) or listed.get((server, tool))
        if path is None:
            raise Stuck(f"no file for {server}.{tool} is listed")
        files.append(path)
    return list(dict.fromkeys(files))


def _check_stubs(text: str, needed: dict[tuple[str, str], set[str]]) -> None:
    """Whether the signatures that the scripts go by were read."""
    for (_, tool), arguments in needed.items():
        found = re.search(rf"^def {tool}\((.*)\) ->", text, re.MULTILINE)
        if found is None:
            raise Stuck(f"the signature of {tool} was not read")
        for one in arguments:
            if f"{one}: " not in found.group(1):
                raise Stuck(f"{tool} has no argument {one}")
