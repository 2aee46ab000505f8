"""The agent loop: tools that need no approval are called by the gateway, in one call of its caller."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from tests.fakes.tool_server import DirectPorts, ToolServer, feed
from tests.fakes.upstream import FakeUpstream, Reply, Seen
from tests.journeys.gateway import Gateway, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, MESSAGES_PATH, chat, event, events, messages
from tests.journeys.test_offered_tools import BEDROCK, COHERE, GEMINI, RESPONSES, key

from asbru.core.errors import BudgetExceeded
from asbru.guardrails import GuardrailRule, GuardrailSettings
from asbru.mcp.catalogue import MCP_SERVER
from asbru.mcp.servers import McpSettings, ServerSettings
from asbru.mcp.servers.rule import McpRule
from asbru.pipeline.call import Call
from asbru.pipeline.tools import Toolbox
from asbru.pipeline.worst_case import BYTES_PER_TOKEN, input_tokens_max

ADD = ("call_a", "one__add", '{"a": 2, "b": 3}')
FAIL = ("call_f", "one__fails", "{}")
TOLD = ("call_t", "one__told", "{}")
OWN = ("call_o", "own", "{}")
TOOL = {"type": "function", "function": {"name": "own", "parameters": {"type": "object"}}}
Called = tuple[str, str, str]


def said(text: str, *calls: Called) -> Reply:
    """A whole reply of the model."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [_call(one) for one in calls]
    finish = "tool_calls" if calls else "stop"
    return Reply.json({**CHAT_REPLY, "choices": [{"index": 0, "message": message, "finish_reason": finish}]})


def streamed(text: str, *calls: Called) -> Reply:
    """The same as a stream."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": text}] if text else [{"role": "assistant"}]
    deltas += [{"tool_calls": [{"index": at, **_call(one)}]} for at, one in enumerate(calls)]
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x"}
    chunks = [event({**base, "choices": [{"index": 0, "delta": one, "finish_reason": None}]}) for one in deltas]
    finish = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}
    chunks.append(event({**base, "choices": [finish]}))
    chunks.append(event({**base, "choices": [], "usage": CHAT_REPLY["usage"]}))
    return Reply.events(*chunks, event("[DONE]"))


def _call(one: Called) -> dict[str, Any]:
    return {"id": one[0], "type": "function", "function": {"name": one[1], "arguments": one[2]}}


@asynccontextmanager
async def served(
    *replies: Reply | Callable[[Seen], Reply],
    settings: dict[str, Any] | None = None,
    rules: tuple[GuardrailRule, ...] = (),
    code: bool = False,
    **about: Any,
) -> AsyncIterator[tuple[Gateway, FakeUpstream, ToolServer]]:
    """A gateway before a server `one`, whose tools `add`, `told` and `fails` the key may have called. `code`: it is in
    code mode."""
    async with FakeUpstream() as upstream, ToolServer() as server:
        upstream.queue(*replies)
        gateway = Gateway(
            openai(upstream.url),
            tools=Toolbox(DirectPorts({"one": server.url})),
            declared={MCP_SERVER: feed(await server.entry("one", stateless=True))},
            mcp=McpSettings(
                servers={"one": ServerSettings(url=server.url, allow_loopback=True, code_mode=code)},
                **(settings or {}),
            ),
            guardrails=GuardrailSettings(rules=rules),
            virtual_keys=key(**{"mcp": ("one",), "auto_approve": ("one/add", "one/told", "one/fails"), **about}),
        )
        async with gateway:
            try:
                yield gateway, upstream, server
            finally:
                assert gateway.lasting.tools is not None
                await gateway.lasting.tools.close()


def words(body: bytes) -> str:
    """All text of a stream or reply of any dialect."""
    found: list[str] = []

    def look(value: Any, name: str = "") -> None:
        if isinstance(value, dict):
            if value.get("type") not in (
                "response.completed",
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
            ):
                for key, one in value.items():
                    if key != "asbru":
                        look(one, key)
        elif isinstance(value, list):
            for one in value:
                look(one, name)
        elif isinstance(value, str) and name in ("content", "text", "delta"):
            found.append(value)

    for one in events(body) if b"data:" in body else [json.loads(body)]:
        look(one)
    return "".join(found)


@pytest.mark.parametrize("stream", [False, True])
def test_calls_are_made_and_the_model_is_asked_again(stream: bool) -> None:
    """In parallel, with results in the order of the calls, those that fail among them; usage is the sum; the record has
    both turns, and each tool's call a record that names it."""
    say = streamed if stream else said

    async def run() -> None:
        async with served(say("Let me see. ", FAIL, ADD), say("It is 5.")) as (gateway, upstream, server):
            more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
            answer = await gateway.call(CHAT_PATH, chat(**more))
            assert answer.status == 200
            assert words(answer.body) == "Let me see. It is 5."
            assert b"one__add" not in answer.body.split(b'"asbru"')[0]
            asked = upstream.requests[1].json()["messages"]
            assert [one["role"] for one in asked] == ["user", "assistant", "tool", "tool"]
            assert [one["tool_call_id"] for one in asked[2:]] == ["call_f", "call_a"]
            assert "Error" in asked[2]["content"] and asked[3]["content"] == "5"
            assert upstream.requests[0].json()["tools"] == upstream.requests[1].json()["tools"]
            assert server.calls == ["add"]
            await gateway.recorded(3)
            (row,) = [row for row in gateway.rows if row["surface"] == "openai.chat"]
            assert (row["attempts"], row["output_tokens"], row["outcome"]) == (2, 4, "ok")
            tools = [row for row in gateway.rows if row is not row_of(gateway)]
            assert {one["parent_id"] for one in tools} == {row["id"]}
            last = [one for one in events(answer.body) if isinstance(one, dict)][-1] if stream else answer.json()
            assert last["usage"]["completion_tokens"] == 4
            mark = last["asbru"]
            assert (mark["turns"], mark["stopped"]) == (2, None)
            assert [one["role"] for one in mark["executed"]] == ["assistant", "tool", "tool"]
            if stream:
                assert answer.body.count(b"[DONE]") == 1
                finishes = [
                    one["choices"][0]["finish_reason"]
                    for one in events(answer.body)
                    if isinstance(one, dict) and one["choices"]
                ]
                assert [one for one in finishes if one] == ["stop"]

    asyncio.run(run())


def row_of(gateway: Gateway) -> dict[str, Any]:
    """The record of the call to the model."""
    return next(row for row in gateway.rows if not row["surface"].startswith("mcp"))


@pytest.mark.parametrize("stream", [False, True])
def test_a_mixed_turn_goes_back_with_what_was_called(stream: bool) -> None:
    """The caller's own call is left to it, in its dialect's way; what was called besides is told as messages, with
    which the conversation goes on."""
    say = streamed if stream else said

    async def run() -> None:
        async with served(say("Both. ", ADD, OWN)) as (gateway, upstream, server):
            answer = await gateway.call(CHAT_PATH, chat(tools=[TOOL], stream=stream))
            assert len(upstream.requests) == 1 and server.calls == ["add"]
            chunks = [one for one in events(answer.body) if isinstance(one, dict)] if stream else [answer.json()]
            calls = [
                one
                for chunk in chunks
                for choice in chunk["choices"]
                for one in choice.get("delta", choice.get("message")).get("tool_calls") or ()
                if one["function"].get("name")
            ]
            assert [one["function"]["name"] for one in calls] == ["own"]
            assert [one["choices"][0]["finish_reason"] for one in chunks if one["choices"]][-1] == "tool_calls"
            (mark,) = [one["asbru"] for one in chunks if "asbru" in one]
            assert [one.get("tool_call_id") for one in mark["executed"]] == [None, "call_a"]

    asyncio.run(run())


@pytest.mark.parametrize("stream", [False, True])
def test_the_number_of_turns_is_bounded(stream: bool) -> None:
    """The last turn's calls go to the caller, and the reply says why."""
    say = streamed if stream else said

    async def run() -> None:
        async with served(say("", ADD), say("", ADD), settings={"agent_turns_max": 2}) as (gateway, upstream, server):
            answer = await gateway.call(CHAT_PATH, chat(stream=stream))
            assert len(upstream.requests) == 2 and server.calls == ["add"]
            assert b'"stopped":"turns_max"' in answer.body and b"call_a" in answer.body.split(b'"asbru"')[0]
            assert "mcp.agent" in row_of(gateway)["notes"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("headers", "about", "made"),
    [
        (("x-asbru-mcp-approve: call_a, other",), {"auto_approve": ()}, True),
        (("x-asbru-mcp-approve: other",), {"auto_approve": ()}, False),
        ((), {}, True),
        ((), {"auto_approve": ()}, False),
        (("x-asbru-mcp-approve: call_a",), {"auto_approve": (), "mcp": ("one/told",)}, False),
    ],
)
def test_calls_that_were_left_to_the_caller_are_resumed(
    headers: tuple[str, ...], about: dict[str, Any], made: bool
) -> None:
    """A conversation that ends with them goes on, where the key or the caller approves of them; beside results that the
    caller gives. An approval grants nothing."""
    asked = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": None, "tool_calls": [_call(ADD), _call(OWN)]},
        {"role": "tool", "tool_call_id": "call_o", "content": "mine"},
    ]

    async def run() -> None:
        async with served(said("It is 5."), **about) as (gateway, upstream, server):
            answer = await gateway.call(CHAT_PATH, chat(messages=asked, tools=[TOOL]), headers=headers)
            assert answer.status == 200
            sent = upstream.requests[0].json()["messages"]
            assert [one.get("tool_call_id") for one in sent[2:]] == ["call_o", *(["call_a"] if made else [])]
            assert server.calls == (["add"] if made else [])

    asyncio.run(run())


class Spent:
    """Limits that have room for `turns` attempts at a model; `inputs`: the tokens that each may have. See
    `pipeline.ports`."""

    metered = 0

    def __init__(self, turns: int = 1) -> None:
        self.turns = turns
        self.inputs: list[int] = []

    async def admit(self, call: Call) -> Spent:
        """See `Leases`."""
        return self

    async def hold(self, call: Call, targets: object) -> None:
        """See `Lease`."""

    def covers(self, call: Call, attempt: object) -> bool:
        """See `Lease`."""
        return False

    async def attempt(self, call: Call, attempt: object) -> None:
        """See `Lease`."""
        if call.surface == "openai.chat":
            self.inputs.append(input_tokens_max(call))
        if len(call.attempts) > self.turns:
            raise BudgetExceeded("the budget is spent", owner="key/tester")

    def meter(self, call: Call, write: Any, write_chunk: Any) -> Any:
        """See `Lease`."""
        return write, write_chunk

    def settle(self, attempts: object, *, served: bool = False) -> None:
        """See `Lease`."""


@pytest.mark.parametrize("stream", [False, True])
def test_a_budget_ends_the_loop_between_turns(stream: bool) -> None:
    """The caller is told by the error of the limit, inside a stream by an event; the record has what was spent, and
    that the call was refused."""
    say = streamed if stream else said

    async def run() -> None:
        async with served(say("Let me see. ", ADD), say("It is 5.")) as (gateway, upstream, server):
            assert gateway.door.rooms is not None
            gateway.door.rooms.leases = cast("Any", Spent())
            answer = await gateway.call(CHAT_PATH, chat(stream=stream))
            assert answer.status == (200 if stream else 402)
            assert b"the budget is spent" in answer.body and b"[DONE]" not in answer.body
            told = [one for one in events(answer.body) if isinstance(one, dict)][-1] if stream else answer.json()
            assert told["error"]["message"] == "the budget is spent"
            mark = told["asbru"]
            assert (mark["turns"], mark["stopped"]) == (1, "error")
            assert [one.get("content") for one in mark["executed"]] == [None, "5"]
            assert "mcp.agent (tools called before: one__add)" in row_of(gateway)["notes"]
            assert stream or "tools called before: one__add" in answer.headers["x-asbru-notes"]
            assert server.calls == ["add"] and len(upstream.requests) == 1
            assert row_of(gateway)["output_tokens"] == 2
            assert row_of(gateway)["outcome"] == "refused"

    asyncio.run(run())


@pytest.mark.parametrize(("mode", "made"), [("safe", []), ("free", ["add"])])
def test_rules_on_headers_hold_in_the_loop(mode: str, made: list[str]) -> None:
    """A tool's call is judged by the headers of the call that it is made for."""
    rule = McpRule(name="safe", when='headers["x-mode"] == "safe"')

    async def run() -> None:
        async with served(said("", ADD), said("done"), settings={"rules": (rule,)}) as (gateway, _, server):
            await gateway.call(CHAT_PATH, chat(), headers=(f"x-mode: {mode}",))
            assert server.calls == made

    asyncio.run(run())


def script(code: str) -> Called:
    """A call that runs a script."""
    return ("call_s", "executeToolCode", json.dumps({"code": code}))


@pytest.mark.parametrize("stream", [False, True])
def test_scripts_run_within_a_call_to_a_model(stream: bool) -> None:
    """Where a server is in code mode, the four tools that stand for its own are offered, and the loop executes them.
    The script's calls are records below its own; what needs approval fails, in words that say what is missing."""
    say = streamed if stream else said

    async def run() -> None:
        turns = (
            say("", ("call_l", "listToolFiles", "{}"), script("result = one.add(a=2, b=3)['result']")),
            say("", script("one.named()")),
            say("It is 5."),
        )
        async with served(*turns, code=True) as (gateway, upstream, server):
            answer = await gateway.call(CHAT_PATH, chat(stream=stream))
            assert words(answer.body) == "It is 5."
            names = [one["function"]["name"] for one in upstream.requests[0].json()["tools"]]
            assert names == ["executeToolCode", "getToolDocs", "listToolFiles", "readToolFile"]
            listed, result = (one["content"] for one in upstream.requests[1].json()["messages"][-2:])
            assert "one.pyi" in listed and "Result:\n5" in result
            refused = upstream.requests[2].json()["messages"][-1]["content"]
            assert "`one/named` to `auto_approve`" in refused and server.calls == ["add"]
            await gateway.recorded(5)
            rows = {row["id"]: row for row in gateway.rows}
            inner = next(row for row in rows.values() if row["model_served"] == "add")
            outer = rows[inner["parent_id"]]
            assert outer["model_asked"] == "executeToolCode" and rows[outer["parent_id"]] is row_of(gateway)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("about", "offered"),
    [({"auto_approve": ()}, True), ({"mcp": ("one/add",)}, True), ({"mcp": ("other",)}, False)],
)
def test_scripts_are_for_who_may_use_a_tool_of_theirs(about: dict[str, Any], offered: bool) -> None:
    """Who has no list of approved tools is offered them too, and gets the calls back."""
    call = script("result = one.add(a=1, b=1)")

    async def run() -> None:
        async with served(said("", call), said("done"), code=True, **about) as (gateway, upstream, server):
            answer = await gateway.call(CHAT_PATH, chat())
            assert ("tools" in upstream.requests[0].json()) is offered
            left = "tool_calls" in answer.json()["choices"][0]["message"]
            assert left is (not offered or about.get("auto_approve") == ())
            assert server.calls == ([] if left else ["add"])

    asyncio.run(run())


def test_what_is_added_to_a_request_counts_for_what_it_may_cost() -> None:
    """A budget holds as much for a turn as it may use: the tools that are offered, what was said and what they came
    to, none of which stands in the caller's body."""
    long = "word " * 1000

    async def run() -> None:
        async with served(said(long, ADD), said("It is 5.")) as (gateway, upstream, _):
            assert gateway.door.rooms is not None
            limits = Spent(turns=2)
            gateway.door.rooms.leases = cast("Any", limits)
            assert (await gateway.call(CHAT_PATH, chat())).status == 200
            sent = [len(seen.body) for seen in upstream.requests]
            assert sent[1] - sent[0] > len(long)
            assert [held * BYTES_PER_TOKEN > size for held, size in zip(limits.inputs, sent, strict=True)] == [
                True
            ] * 2

    asyncio.run(run())


@pytest.mark.parametrize(("most", "text"), [(2, "do\n(cut: the result has 4 characters)"), (4, "done")])
def test_a_model_is_shown_so_much_of_a_result(most: int, text: str) -> None:
    """What is longer is cut, and said to be."""

    async def run() -> None:
        settings = {"agent_result_chars_max": most}
        async with served(said("", TOLD), said("It is done."), settings=settings) as (gateway, upstream, _):
            await gateway.call(CHAT_PATH, chat())
            assert upstream.requests[1].json()["messages"][-1]["content"] == text

    asyncio.run(run())


@pytest.mark.parametrize("about", [{"auto_approve": ()}, {"auto_approve": ("one/told",)}])
def test_a_tool_that_needs_approval_is_not_called(about: dict[str, Any]) -> None:
    """The call goes to the caller as it came."""

    async def run() -> None:
        async with served(said("", ADD), **about) as (gateway, upstream, server):
            answer = await gateway.call(CHAT_PATH, chat())
            assert answer.json()["choices"][0]["message"]["tool_calls"] == [_call(ADD)]
            assert len(upstream.requests) == 1 and not server.calls

    asyncio.run(run())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("path", "body"), [(MESSAGES_PATH, messages("MODEL")), RESPONSES, GEMINI, BEDROCK, COHERE])
def test_every_dialect_has_the_loop(path: str, body: dict[str, Any], stream: bool) -> None:
    """One reply, or one stream with one beginning and one end."""
    say = streamed if stream else said

    async def run() -> None:
        async with served(say("Let me see. ", ADD), say("It is 5.")) as (gateway, upstream, server):
            told = json.loads(json.dumps(body).replace("MODEL", "openai/gpt-x"))
            at = path.replace("MODEL", "openai/gpt-x")
            if stream and "generateContent" in at:
                at = at.replace("generateContent", "streamGenerateContent") + "?alt=sse"
            elif stream and at.endswith("converse"):
                at += "-stream"
            elif stream:
                told["stream"] = True
            answer = await gateway.call(at, told)
            assert answer.status == 200, answer.body
            assert server.calls == ["add"] and len(upstream.requests) == 2
            if stream and at.endswith("stream"):
                assert b"Let me see. " in answer.body and answer.body.count(b"messageStop") == 1
            else:
                assert words(answer.body) == "Let me see. It is 5.", answer.body
                assert answer.body.count(b'"asbru"') == 1

    asyncio.run(run())


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_rule_took_out_stays_out_of_later_turns(stream: bool) -> None:
    """A model repeats the placeholder beside its call: the caller gets the words behind it, the provider in no turn."""
    rule = GuardrailRule(name="mail", checks=("pii",), places=("input",), action="redact", replacement="placeholder")
    address = "ada@example.com"

    def echo(seen: Seen) -> Reply:
        hidden = seen.json()["messages"][0]["content"].removeprefix("Write to ")
        return (streamed if stream else said)(f"To {hidden}. ", ADD)

    async def run() -> None:
        last = streamed("Done.") if stream else said("Done.")
        async with served(echo, last, rules=(rule,)) as (gateway, upstream, _):
            asked = chat(stream=stream)
            asked["messages"] = [{"role": "user", "content": f"Write to {address}"}]
            answer = await gateway.call(CHAT_PATH, asked)
            assert answer.status == 200 and address in words(answer.body)
            assert len(upstream.requests) == 2
            assert not [seen for seen in upstream.requests if address in json.dumps(seen.json())]
            first, second = (seen.json()["messages"] for seen in upstream.requests)
            assert second[0] == first[0], "the same text, redacted to the same bytes"

    asyncio.run(run())
