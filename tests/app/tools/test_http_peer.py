"""Servers of HTTP: the era and session of each, what their statuses mean, and what is presented of HTTP+SSE."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.mcp_http import counter, served, session_server
from tests.fakes.tool_servers import running, stdio, text_of
from tests.fakes.upstream import FakeUpstream, Reply, Seen
from tests.fakes.waiting import until

from asbru.core.secret_text import SecretText
from asbru.mcp.servers import ServerSettings


def at(url: str, **settings: Any) -> ServerSettings:
    """A server of this machine."""
    return ServerSettings(url=url, allow_loopback=True, **settings)


async def test_a_server_that_speaks_both_eras_has_a_session_as_well(tmp_path: Path) -> None:
    """Workers are given its URL and its version, and a session for callers that have sessions, which is renewed where
    the server has forgotten it."""
    async with served(counter().streamable_http_app()) as url, running(tmp_path) as those:
        await those.apply(counter=at(f"{url}/mcp"))
        entry = await those.ready("counter")
        assert (entry.era, entry.version, entry.endpoint) == ("stateless", "2026-07-28", f"{url}/mcp")
        assert (those.tools("counter"), entry.instructions) == (["add"], "Count.")
        runner = those.servers.runner("counter")
        assert runner is not None
        given = await runner.session("", "")
        assert given.id
        assert (given.version, given.error) == ("2025-11-25", "")
        assert await runner.session("", "another") == given
        renewed = await runner.session("", given.id)
        assert renewed.id not in ("", given.id)
        assert renewed.version == "2025-11-25"


async def test_a_server_of_the_stateless_era_alone_has_no_session(tmp_path: Path) -> None:
    """It refuses to begin one, and is ready all the same."""
    async with FakeUpstream() as upstream, running(tmp_path) as those:
        upstream.otherwise = _stateless
        await those.apply(new=at(f"{upstream.url}/mcp"))
        entry = await those.ready("new")
        assert entry.era == "stateless"
        runner = those.servers.runner("new")
        assert runner is not None
        given = await runner.session("", "")
        assert (given.id, given.error) == ("", "")


def _stateless(seen: Seen) -> Reply:
    message = seen.json()
    version = "2026-07-28"
    head = {"jsonrpc": "2.0", "id": message["id"]}
    match message["method"]:
        case "server/discover":
            return Reply.json({**head, "result": {"supportedVersions": [version], "capabilities": {"tools": {}}}})
        case "tools/list":
            return Reply.json({**head, "result": {"tools": []}})
        case "initialize":
            error = {"code": -32022, "message": "unsupported", "data": {"supported": [version]}}
            return Reply.json({**head, "error": error}, 400)
        case _:
            return Reply.json({**head, "error": {"code": -32601, "message": "Method not found"}}, 404)


async def test_a_server_of_http_and_sse_is_found_out_and_presented(tmp_path: Path) -> None:
    """With the transport `auto` a server that answers POSTs with 4xx is tried as the older kind; calls reach it over
    the socket on which it is presented."""
    async with served(counter().sse_app()) as url, running(tmp_path) as those:
        await those.apply(counter=at(f"{url}/sse"))
        entry = await those.ready("counter")
        assert entry.endpoint == str(tmp_path / "mcp-counter.sock")
        assert those.tools("counter") == ["add"]
        counts = await asyncio.gather(*(those.call("counter", "add") for _ in range(10)))
        assert sorted(int(text_of(count)) for count in counts) == list(range(1, 11))
        await those.apply()


async def test_the_session_of_an_older_server_is_shared_and_renewed_once(tmp_path: Path) -> None:
    """Every caller gets the session in which the lists are read. When the server forgets it, however many callers say
    so at once, it is begun anew once."""
    async with session_server() as (server, upstream), running(tmp_path) as those:
        await those.apply(old=at(f"{upstream.url}/mcp", headers={"Authorization": SecretText("Bearer s")}))
        entry = await those.ready("old")
        assert (entry.era, entry.version, entry.endpoint) == ("sessions", "2025-11-25", f"{upstream.url}/mcp")
        runner = those.servers.runner("old")
        assert runner is not None
        assert (await runner.session("key-a", "")).id == "session-1"
        server.known.clear()
        given = await asyncio.gather(*(runner.session("", "session-1") for _ in range(5)))
        assert {one.id for one in given} == {"session-2"}
        assert (await runner.session("", "session-1")).id == "session-2"
        assert [headers["authorization"] for headers in server.greeted] == ["Bearer s", "Bearer s"]
        await those.apply()
        await until(lambda: server.ended == ["session-2"], "the session is ended")


async def test_each_user_has_a_session_where_the_server_is_per_user(tmp_path: Path) -> None:
    """Two users, two sessions, each begun with the credential of its user; a forgotten one alone is begun anew."""
    async with session_server() as (server, upstream), running(tmp_path) as those:
        await those.apply(old=at(f"{upstream.url}/mcp", per_user=True))
        await those.ready("old")
        runner = those.servers.runner("old")
        assert runner is not None
        ids = [(await runner.session(user, "")).id for user in ("a", "b", "a")]
        assert ids == ["session-2", "session-3", "session-2"]
        assert (await runner.session("a", "session-2")).id == "session-4"
        assert (await runner.session("b", "session-2")).id == "session-3"
        assert [headers.get("x-user") for headers in server.greeted] == [None, "a", "b", "a"]


async def test_no_user_calls_with_the_credential_of_another(tmp_path: Path) -> None:
    """Transports with one connection for all callers refuse servers that are per user, also those found out to be of
    such a transport; nothing is sent to them."""
    async with served(counter().sse_app()) as url, running(tmp_path) as those:
        await those.apply(
            found=at(f"{url}/sse", per_user=True),
            declared=at(f"{url}/sse", transport="sse", per_user=True),
            program=stdio(per_user=True),
        )
        for name in ("found", "declared", "program"):
            assert "needs streamable HTTP" in (await those.state(name, "failed")).reason


async def test_lists_are_read_page_by_page_and_anew_when_the_server_says_so(tmp_path: Path) -> None:
    """Pages are joined in order; entries without a name and second ones of a name are left out."""
    async with session_server() as (server, upstream), running(tmp_path) as those:
        server.page_size = 2
        server.tools += [{"name": f"t{i}", "x": 1} for i in range(4)] + [{"title": "no name"}, {"name": "t1"}]
        await those.apply(old=at(f"{upstream.url}/mcp"))
        await those.ready("old")
        assert those.tools("old") == ["add", "t0", "t1", "t2", "t3"]
        server.tools.append({"name": "later"})
        await server.changed.reached.arrive()
        server.changed.open()
        await until(lambda: "later" in those.tools("old"), "the list is read anew")


REFUSALS = [
    (Reply(401, (), {"www-authenticate": "Bearer"}), "unauthorized", "refuses the credential (status 401)"),
    (Reply(503), "unreachable", "status 503"),
    (Reply(302, (), {"location": "http://169.254.169.254/latest"}), "failed", "redirects to 'http://169.254.169.254"),
    (Reply.body(b"<html>", "text/html"), "failed", "not a JSON-RPC response"),
    (Reply.json({"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "closed"}}), "failed", "closed"),
    (Reply.events(b"data: {}\n\n"), "failed", "its event stream cannot be read"),
    (Reply.json({"id": 2, "result": {"protocolVersion": "1999-01-01"}}), "failed", "'1999-01-01'"),
]


@pytest.mark.parametrize(("reply", "state", "reason"), REFUSALS)
async def test_what_a_server_answers_is_told_as_a_state_and_a_reason(
    tmp_path: Path, reply: Reply, state: str, reason: str
) -> None:
    """Each failure has its state, and the reason says what came; the server is ready as soon as it recovers."""
    async with session_server() as (server, upstream), running(tmp_path) as those:
        server.refusal = reply
        await those.apply(old=at(f"{upstream.url}/mcp", transport="http"))
        entry = await those.state("old", state)
        assert reason in entry.reason
        server.refusal = None
        runner = those.servers.runner("old")
        assert runner is not None
        runner.sync_soon()
        await those.ready("old")


async def test_addresses_that_the_policy_forbids_are_not_dialled(tmp_path: Path) -> None:
    """A loopback address without `allow_loopback`, and the metadata address with it."""
    async with session_server() as (_, upstream), running(tmp_path) as those:
        await those.apply(
            loopback=ServerSettings(url=f"{upstream.url}/mcp"), metadata=at("http://169.254.169.254/mcp")
        )
        assert "loopback" in (await those.state("loopback", "unreachable")).reason
        assert "metadata" in (await those.state("metadata", "unreachable")).reason
        assert upstream.requests == []


async def test_what_was_listed_last_stays_while_a_server_is_away(tmp_path: Path) -> None:
    """Its state says so, and its tools are still known; a session that has ended meanwhile is begun anew."""
    async with session_server() as (server, upstream), running(tmp_path) as those:
        await those.apply(old=at(f"{upstream.url}/mcp"))
        await those.ready("old")
        runner = those.servers.runner("old")
        assert runner is not None
        server.refusal = Reply(503)
        runner.sync_soon()
        await those.state("old", "unreachable")
        assert those.tools("old") == ["add"]
        server.known.clear()
        server.refusal = None
        runner.sync_soon()
        await those.ready("old")
        assert (await runner.session("", "")).id in server.known


async def test_a_request_outside_of_any_call_is_refused_at_once(tmp_path: Path) -> None:
    """Callers share the session, so of none or several nobody can be asked; a server that waits would hold up the call.
    A ping is answered."""
    async with session_server() as (server, upstream), running(tmp_path) as those:
        server.stray = [
            {"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": {"message": "Sure?"}},
            {"jsonrpc": "2.0", "id": 2, "method": "ping"},
        ]
        await those.apply(old=at(f"{upstream.url}/mcp"))
        await until(lambda: len(server.told) == 2, "both are answered")
        refused, answered = server.told
        assert (refused["id"], refused["error"]["code"]) == ("q1", -32603)
        assert "ask within a call" in refused["error"]["message"]
        assert answered == {"jsonrpc": "2.0", "id": 2, "result": {}}
