"""Tool servers that misbehave, as callers see it. What each fault comes to, and which test says so:

a server hangs                   a deadline             here; app/tools/test_runner (its lists)
it dies in a call                an error that says so  here; app/tools/test_runner
its stream ends                  taken up again         here
it answers garbage               an error               here; app/tools/test_runner
it floods with notifications     cut off                here; app/tools/test_runner; test_user_streams (its log)
it asks outside of a call        one caller, or nobody  journeys/test_mcp_outside; app/tools/test_outside
it changes its tools             held back              app/tools/test_runner, journeys/test_tools_process
it returns 10 MB                 passed, to a bound     here; app/tools/test_runner
its schemas lie                  nobody believes them   here
it redirects to metadata         not followed           here; app/tools/test_http_peer (addresses); app/test_mcp_trial
its text gives a model orders    told, or held back     app/tools/test_suspicion
an authorization server fails    no logout              app/tools/oauth/test_flows
it rotates tokens, they expire   one refresh            app/tools/oauth/test_flows
it is slow                       a deadline             app/tools/oauth/test_flows
its metadata lies                no authorization       app/tools/oauth/test_flows
a caller cancels, or leaves      the server is told     journeys/test_mcp, app/tools/test_runner
it replays another's session     404                    journeys/test_mcp, journeys/test_mcp_sse
it answers for another           dropped                journeys/test_mcp
it posts to a stream that ended  404                    journeys/test_mcp_sse; pipeline/tools/test_deliveries
it forges headers                400, nothing more      journeys/test_mcp, journeys/test_tools_not_granted
a script loops, or recurses      an error of its own    journeys/test_code_mode, mcp/code/test_script
it takes memory, or prints much  an error of its own    journeys/test_code_mode, mcp/code/test_script
it aliases a forbidden tool      it is not there        mcp/code/test_script, journeys/test_code_mode
it is replayed by another        refused                journeys/test_code_mode
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
import pytest
from tests.fakes.happening import Gate
from tests.fakes.tool_server import DirectPorts, feed
from tests.fakes.upstream import FIN, RST, STALL, FakeUpstream, Reply, Seen
from tests.fakes.waiting import until
from tests.journeys.gateway import Gateway
from tests.journeys.mcp_gateway import keys_of

from asbru.mcp.catalogue import MCP_SERVER, Definition, ServerEntry, digest_of
from asbru.mcp.servers import McpSettings, ServerSettings
from asbru.pipeline.tools import Toolbox

HEADERS = {"authorization": "Bearer sk-asb-all", "accept": "application/json, text/event-stream"}
TOOL = b'{"name":"add","inputSchema":{"type":"object","properties":{"a":{"type":"string"}},"required":["b"]}}'
VERSION = "2025-11-25"


class Server:
    """A server with sessions whose calls are answered by `answers`, one after the other, given the id of the call."""

    def __init__(self) -> None:
        self.answers: list[Callable[[Any], Reply]] = []
        self.resumed: list[Seen] = []
        self.later: list[Callable[[Any], Reply]] = []
        """Answers to GETs that take a stream up again."""
        self.called: Any = None
        self.cancelled = 0

    def reply(self, seen: Seen) -> Reply:
        """To be put into `FakeUpstream.otherwise`."""
        if seen.method == "GET":
            self.resumed.append(seen)
            return self.later.pop(0)(self.called)
        message = seen.json()
        if message["method"] == "initialize":
            result = {"protocolVersion": VERSION, "capabilities": {}, "serverInfo": {"name": "f", "version": "1"}}
            return Reply.json({"jsonrpc": "2.0", "id": message["id"], "result": result}, mcp_session_id="s1")
        if message["method"] == "notifications/cancelled":
            self.cancelled += 1
        if "id" not in message:
            return Reply(202)
        self.called = message["id"]
        return self.answers.pop(0)(message["id"])


@asynccontextmanager
async def calling(
    result_bytes_max: int = 16 << 20, **settings: Any
) -> AsyncIterator[tuple[Server, Gateway, Callable[[], Any]]]:
    """A server, a gateway before it, and what calls its tool."""
    server = Server()
    async with FakeUpstream() as upstream:
        upstream.otherwise = server.reply
        url = f"{upstream.url}/mcp"
        entry = ServerEntry(
            "one",
            version=VERSION,
            state="ready",
            capabilities=b'{"tools":{}}',
            tools=(Definition("add", TOOL, digest_of(TOOL)),),
            endpoint=url,
        )
        gateway = Gateway(
            tools=Toolbox(DirectPorts({"one": url})),
            declared={MCP_SERVER: feed(entry)},
            mcp=McpSettings(
                servers={"one": ServerSettings(url=url, allow_loopback=True, **settings)},
                result_bytes_max=result_bytes_max,
            ),
            virtual_keys=keys_of(all=("*",)),
        )
        async with gateway, httpx2.AsyncClient(headers=HEADERS, timeout=60) as client:

            async def call() -> Any:
                params = {"name": "one__add", "arguments": {"a": 1}}
                asked = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
                done = await client.post(f"http://127.0.0.1:{gateway.port}/mcp", json=asked)
                data = [line[6:] for line in done.text.splitlines() if line.startswith("data: ")]
                return json.loads(data[-1] if data else done.text)

            yield server, gateway, call


def text(number: Any, words: str = "done") -> bytes:
    told = {"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": words}]}}
    return msgspec.json.encode(told)


def event(data: bytes, line: bytes = b"") -> bytes:
    return line + b"data: " + data + b"\n\n"


def test_a_stream_that_ends_is_taken_up_again() -> None:
    """A server that gave its events ids closes the stream of a call, twice, once by breaking it off: it is asked for
    the rest, after the last event and in its session, and the caller receives one response."""

    async def body() -> None:
        async with calling() as (server, gateway, call):
            server.answers = [lambda _: Reply.events(b"id: e1\nretry: 1\ndata: \n\n")]
            server.later = [
                lambda _: Reply.events(b'id: e2\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n', RST),
                lambda number: Reply.events(event(text(number), b"id: e3\n")),
            ]
            assert (await call())["result"]["content"][0]["text"] == "done"
            asked = [(one.headers["last-event-id"], one.headers["mcp-session-id"]) for one in server.resumed]
            assert asked == [("e1", "s1"), ("e2", "s1")]
            assert [row["status"] for row in gateway.rows] == [200]

    asyncio.run(body())


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: Reply.events(event(b'{"jsonrpc":"2.0","method":"notifications/x"}')),
        lambda _: Reply.events(event(b'{"jsonrpc":"2.0","method":"notifications/x"}'), RST),
        lambda _: Reply.raw(FIN),
        lambda number: Reply.json({"jsonrpc": "2.0", "id": number}).but(cut_at=5),
    ],
    ids=["ends", "breaks off", "closes", "is cut"],
)
def test_a_server_that_dies_in_a_call(answer: Callable[[Any], Reply]) -> None:
    """Without ids of events there is nothing to take up again: the caller is told, and the call is not made twice."""

    async def body() -> None:
        async with calling() as (server, _, call):
            server.answers = [answer]
            told = await call()
            assert told["id"] == 7
            assert "one" in told["error"]["message"]
            assert server.resumed == server.answers == []

    asyncio.run(body())


def test_a_stream_that_cannot_be_taken_up_again_has_ended() -> None:
    """The server knows nothing of it any more."""

    async def body() -> None:
        async with calling() as (server, _, call):
            server.answers = [lambda _: Reply.events(b"id: e1\nretry: 1\ndata: \n\n")]
            server.later = [lambda _: Reply(405)]
            assert "ended its reply without a response" in (await call())["error"]["message"]

    asyncio.run(body())


def test_a_server_that_hangs_is_given_up() -> None:
    """Before its head, and in the middle of a stream; it is told that nobody waits any more."""

    async def body() -> None:
        async with calling(timeout_s=0.3) as (server, gateway, call):
            server.answers = [
                lambda _: Reply.json({}).but(before=(STALL,)),
                lambda _: Reply.events(event(b'{"jsonrpc":"2.0","method":"notifications/x"}'), STALL),
            ]
            for _ in range(2):
                assert (await call())["error"]["code"] == -32603
            assert {row["status"] for row in gateway.rows} <= {502, 504}
            await until(lambda: server.cancelled, "the server is told")

    asyncio.run(body())


@pytest.mark.parametrize(
    "answer",
    [
        Reply.body(b"<html>", "text/html"),
        Reply.body(b"[1,2]"),
        Reply.body(b'{"jsonrpc":"2.0"}'),
        Reply.body(b"\xff\xfe"),
        Reply.events(b"data: nonsense\n\n"),
        Reply.raw(b"nonsense\r\n\r\n", FIN),
    ],
)
def test_garbage_is_an_error(answer: Reply) -> None:
    """The caller is told by an error of the protocol, with the id of its request; the next call is served."""

    async def body() -> None:
        async with calling() as (server, _, call):
            server.answers = [lambda _: answer, lambda number: Reply.body(text(number))]
            told = await call()
            assert (told["id"], "one" in told["error"]["message"]) == (7, True)
            assert "result" in await call()

    asyncio.run(body())


def test_a_flood_of_messages_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that says ever more and never responds."""
    monkeypatch.setattr("asbru.pipeline.tools.relay.MESSAGES_MAX", 50)

    async def body() -> None:
        async with calling() as (server, _, call):
            one = event(b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}')
            server.answers = [lambda _: Reply.events(one * 60, STALL)]
            assert "more than 50 messages" in (await call())["error"]["message"]

    asyncio.run(body())


def test_a_large_result_passes_and_one_too_large_does_not() -> None:
    """10 MB in JSON and in an event arrive whole; above `result_bytes_max` the caller is told so."""

    async def body() -> None:
        async with calling() as (server, _, call):
            large = "x" * 10_000_000
            server.answers = [
                lambda number: Reply.body(text(number, large)),
                lambda number: Reply.events(event(text(number, large))),
            ]
            for _ in range(2):
                assert len((await call())["result"]["content"][0]["text"]) == len(large)
        async with calling(result_bytes_max=1024) as (server, _, call):
            server.answers = [
                lambda number: Reply.body(text(number, "x" * 1024)),
                lambda number: Reply.events(event(text(number, "x" * 1024))),
            ]
            for _ in range(2):
                assert "larger than 1024 bytes" in (await call())["error"]["message"]

    asyncio.run(body())


def test_a_redirect_is_not_followed() -> None:
    """Least of all to the metadata of a cloud, nor is what it would have said shown."""

    async def body() -> None:
        async with calling() as (server, _, call):
            target = "http://169.254.169.254/latest/meta-data/"
            server.answers = [
                lambda _, status=status: Reply(status, (), {"location": target}) for status in (302, 307)
            ]
            for status in (302, 307):
                told = await call()
                assert (str(status) in told["error"]["message"], "result" in told) == (True, False)

    asyncio.run(body())


def test_a_schema_that_lies_harms_nobody() -> None:
    """The tool wants `b` as its schema says, and is called without; what it makes of that is its own affair. Another
    one returns what its schema does not have: it passes."""

    async def body() -> None:
        async with calling() as (server, _, call):
            result = {"content": [], "structuredContent": [1, {"not": "as told"}]}
            server.answers = [lambda number: Reply.json({"jsonrpc": "2.0", "id": number, "result": result})]
            assert (await call())["result"] == result

    asyncio.run(body())


def test_a_call_is_taken_back_while_its_stream_is_to_be_taken_up_again() -> None:
    """In the pause that the server has asked for: the caller leaves, and no more is asked of the server."""

    async def body() -> None:
        async with calling() as (server, gateway, call):
            gate = Gate("the stream ends")
            server.answers = [lambda _: Reply.events(b"id: e1\nretry: 20000\ndata: \n\n", gate)]
            asked = asyncio.create_task(call())
            await until(lambda: server.called, "the server is called")
            gate.open()
            asked.cancel()
            await until(lambda: server.cancelled, "the server is told")
            assert [row["outcome"] for row in await gateway.recorded()] == ["cancelled"]
            assert server.resumed == []

    asyncio.run(body())
