"""Tools in requests to models: what providers are sent, in every dialect, and what callers get back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from tests.fakes.tool_server import DirectPorts, feed
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import KEY
from tests.journeys.gateway import PEPPER, Gateway, anthropic, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, MESSAGES_PATH, MESSAGES_REPLY, chat, messages

from asbru.core.traits import Traits
from asbru.governance import digest_of
from asbru.governance.entries import KeyEntry
from asbru.mcp.catalogue import MCP_SERVER, Definition, ServerEntry
from asbru.mcp.servers import McpSettings, ServerSettings
from asbru.pipeline.tools import Toolbox

LONG = "a.tool.of.a.name-" + "x" * 60


def entry(name: str, *tools: str) -> ServerEntry:
    """A server in the catalogue."""
    found = [
        Definition(
            tool, json.dumps({"name": tool, "description": f"Does {tool}.", "inputSchema": SCHEMA}).encode(), "d"
        )
        for tool in tools
    ]
    return ServerEntry(name, state="ready", tools=tuple(found), endpoint=f"http://{name}.test/mcp")


SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}


def key(**changes: Any) -> dict[str, bytes]:
    """The feed's entries of the one key."""
    about = KeyEntry(**{"name": "tester", "models": ("*",), "mcp": ("files",), **changes})
    return {digest_of(KEY.encode(), PEPPER): msgspec.msgpack.encode(about)}


@asynccontextmanager
async def served(
    *providers: Any, about: dict[str, Any] | None = None, mcp: dict[str, Any] | None = None
) -> AsyncIterator[Gateway]:
    """A gateway with the servers `files` and `other`; the key may use the first."""
    server = ServerSettings(url="http://files.test/mcp")
    gateway = Gateway(
        *providers,
        tools=Toolbox(DirectPorts({})),
        declared={MCP_SERVER: feed(entry("files", "write", "read"), entry("other", "x"))},
        mcp=McpSettings(servers={"files": server, "other": server}, **(mcp or {})),
        virtual_keys=key(**(about or {})),
    )
    async with gateway:
        yield gateway


def sent_names(body: dict[str, Any]) -> list[str]:
    """The names of the tools in a request, in any dialect."""
    text = json.dumps(body.get("tools") or body.get("toolConfig") or [])
    return [part.split('"')[0] for part in text.split('"name": "')[1:]]


RESPONSES = ("/v1/responses", {"model": "MODEL", "input": "hello"})
GEMINI = (
    "/genai/v1beta/models/MODEL:generateContent",
    {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
)
BEDROCK = ("/bedrock/model/MODEL/converse", {"messages": [{"role": "user", "content": [{"text": "hello"}]}]})
COHERE = ("/cohere/v2/chat", {"model": "MODEL", "messages": [{"role": "user", "content": "hello"}]})


@pytest.mark.parametrize(
    ("path", "body"),
    [(CHAT_PATH, chat("MODEL")), (MESSAGES_PATH, messages("MODEL")), RESPONSES, GEMINI, BEDROCK, COHERE],
)
def test_tools_are_offered_in_every_dialect(path: str, body: dict[str, Any]) -> None:
    """To a provider of either of two dialects: the tools of the key, sorted, and no others; the reply comes back."""

    async def run() -> None:
        async with FakeUpstream() as upstream:
            upstream.on("/v1/chat/completions", Reply.json(CHAT_REPLY))
            upstream.on("/v1/messages", Reply.json(MESSAGES_REPLY))
            async with served(openai(upstream.url), anthropic(upstream.url)) as gateway:
                for model in ("openai/gpt-x", "anthropic/claude-x"):
                    told = json.loads(json.dumps(body).replace("MODEL", model))
                    answer = await gateway.call(path.replace("MODEL", model), told)
                    assert answer.status == 200, answer.body
                    assert b"Hi you" in answer.body
                    assert sent_names(upstream.requests[-1].json()) == ["files__read", "files__write"]

    asyncio.run(run())


def test_suggestions_return_untouched_and_own_tools_come_first() -> None:
    """A call of an offered tool comes back as the model made it; what the agent has already is not offered twice."""
    call = {"id": "c1", "type": "function", "function": {"name": "files__read", "arguments": '{"path": "a" }'}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    reply = {**CHAT_REPLY, "choices": [{"index": 0, "message": said, "finish_reason": "tool_calls"}]}
    own = [{"type": "function", "function": {"name": name}} for name in ("z", "mcp__asbru__files__write")]

    async def run() -> None:
        async with FakeUpstream() as upstream:
            upstream.on("/v1/chat/completions", Reply.json(reply))
            async with served(openai(upstream.url)) as gateway:
                answer = await gateway.call(CHAT_PATH, chat(tools=own))
                assert answer.json() == reply
                sent = upstream.requests[-1].json()
                assert sent_names(sent) == ["z", "mcp__asbru__files__write", "files__read"]
                assert sent["tools"][2]["function"] == {
                    "name": "files__read",
                    "description": "Does read.",
                    "parameters": SCHEMA,
                }
                first = upstream.requests[-1].body
                await gateway.call(CHAT_PATH, chat(tools=own))
                assert upstream.requests[-1].body == first

    asyncio.run(run())


@pytest.mark.parametrize(
    ("about", "mcp", "headers", "names"),
    [
        ({"offer_tools": False}, {}, (), []),
        ({"mcp": ()}, {}, (), []),
        ({"surfaces": ("openai",)}, {}, (), []),
        ({}, {"offer": False}, (), []),
        ({}, {}, ("x-asbru-mcp-tools:",), []),
        ({}, {}, ("x-asbru-mcp-tools: files/read, other",), ["files__read"]),
        ({"mcp": ("*",)}, {"offer_tools_max": 2}, (), ["files__read", "files__write"]),
    ],
)
def test_offers_are_narrowed_and_switched_off(
    about: dict[str, Any], mcp: dict[str, Any], headers: tuple[str, ...], names: list[str]
) -> None:
    """By the key, the settings, a header; never widened. What a request has no room for is noted."""

    async def run() -> None:
        async with FakeUpstream() as upstream:
            upstream.on("/v1/chat/completions", Reply.json(CHAT_REPLY))
            async with served(openai(upstream.url), about=about, mcp=mcp) as gateway:
                answer = await gateway.call(CHAT_PATH, chat(), headers=headers)
                assert sent_names(upstream.requests[-1].json()) == names
                assert ("mcp.tools (1 of 3 tools" in answer.headers.get("x-asbru-notes", "")) is (
                    "*" in about.get("mcp", ())
                )

    asyncio.run(run())


def test_a_model_that_takes_no_tools_is_offered_none() -> None:
    """What the caller itself asks for goes on; that nothing was added is noted."""
    own = [{"type": "function", "function": {"name": "z"}}]

    async def run() -> None:
        async with FakeUpstream() as upstream:
            upstream.on("/v1/chat/completions", Reply.json(CHAT_REPLY))
            async with served(openai(upstream.url, traits=Traits(tools=False))) as gateway:
                answer = await gateway.call(CHAT_PATH, chat(tools=own))
                assert sent_names(upstream.requests[-1].json()) == ["z"]
                assert "mcp.tools (gpt-x takes no tools)" in answer.headers["x-asbru-notes"]
                await gateway.call(CHAT_PATH, chat())
                assert "tools" not in upstream.requests[-1].json()

    asyncio.run(run())


def test_a_name_that_the_target_refuses_is_put_back() -> None:
    """Also where caller and provider speak the same dialect: MCP allows letters and lengths that models do not."""

    def reply(seen: Any) -> Reply:
        (name,) = sent_names(seen.json())
        call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": "{}"}}
        said = {"role": "assistant", "content": None, "tool_calls": [call]}
        return Reply.json({**CHAT_REPLY, "choices": [{"index": 0, "message": said, "finish_reason": "tool_calls"}]})

    async def run() -> None:
        async with FakeUpstream() as upstream:
            upstream.on("/v1/chat/completions", reply)
            async with served(openai(upstream.url)) as gateway:
                gateway.lasting.tools.catalogue.put("files", msgspec.msgpack.encode(entry("files", LONG)))
                answer = await gateway.call(CHAT_PATH, chat())
                (name,) = sent_names(upstream.requests[-1].json())
                assert len(name) <= 64 and "." not in name
                told = answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"]
                assert told == f"files__{LONG}"

    asyncio.run(run())
