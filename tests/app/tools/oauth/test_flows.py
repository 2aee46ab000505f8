"""OAuth to MCP servers: the chain of discovery, the flow, tokens in use, and all that may go wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.fakes.oauth_server import OAuthServer, _error
from tests.fakes.tool_servers import Running, running
from tests.fakes.upstream import STALL, FakeUpstream, Reply
from tests.fakes.waiting import until

from asbru.core.secret_text import SecretText
from asbru.mcp.manage import Manage, Managed
from asbru.mcp.servers import CredentialAsked, CredentialGiven, ServerSettings

REDIRECT = "http://127.0.0.1:8080/api/v1/mcp/oauth/callback"


@contextlib.asynccontextmanager
async def authorizing(folder: Path, **settings: Any) -> AsyncIterator[tuple[OAuthServer, Running]]:
    """A server that wants tokens, declared as `docs`."""
    async with FakeUpstream() as upstream, running(folder) as those:
        server = OAuthServer(upstream)
        upstream.otherwise = server.reply
        await those.apply(docs=declared(server, **settings))
        await those.state("docs", "unauthorized")
        yield server, those
        server.changed.open()


def declared(server: OAuthServer, **settings: Any) -> ServerSettings:
    """The server, declared."""
    return ServerSettings(url=server.mcp_url, auth="oauth", allow_loopback=True, transport="http", **settings)


async def connect(server: OAuthServer, those: Running, user: str = "", **changes: str) -> Managed:
    """Begin a flow, let Asbru in, come back."""
    begun = await those.answers.manage(Manage("connect", "docs", user))
    assert begun.error == ""
    return await those.answers.manage(Manage("callback", query=server.visit(begun.url, **changes)))


async def credential(those: Running, user: str = "", refused: bytes = b"") -> CredentialGiven:
    """What a worker is given."""
    return await those.answers.credential(CredentialAsked("docs", user, refused))


async def test_an_authorized_server_is_ready_and_its_tokens_are_sealed(tmp_path: Path) -> None:
    """From the challenge to the tools: a client is registered once, the token goes to the server, and nothing of it is
    in the database in clear. A second server process begins with the same authorization."""
    async with authorizing(tmp_path) as (server, those):
        assert "nobody has authorized" in those.entry("docs").reason
        done = await connect(server, those)
        assert (done.error, done.message) == ("", "Asbru is now authorized at the MCP server docs.")
        await those.ready("docs")
        assert those.tools("docs") == ["add"]
        assert server.registrations[0]["redirect_uris"] == [REDIRECT]
        assert server.registrations[0]["application_type"] == "native"
        given = await credential(those)
        assert given.lines == b"authorization: Bearer access-1\r\n"
        assert given.expires_ms == those.now_ms + 3600_000 - 60_000
        (grant,) = (await those.answers.manage(Manage("grants"))).grants
        assert (grant.server, grant.user, grant.state, grant.issuer) == ("docs", "", "authorized", server.issuer)
        stored = stored_bytes(tmp_path)
        assert b"access-1" not in stored
        assert b"refresh-1" not in stored
        async with running(tmp_path) as others:
            await others.apply(docs=declared(server))
            assert (await credential(others)).lines == given.lines


def stored_bytes(folder: Path) -> bytes:
    """The files of the database."""
    return b"".join(file.read_bytes() for file in folder.glob("asbru.db*"))


async def test_one_refresh_serves_everybody_and_the_rotated_token_is_kept(tmp_path: Path) -> None:
    """Twenty workers that find the token refused at once lead to one refresh, and all are given its token."""
    async with authorizing(tmp_path) as (server, those):
        await connect(server, those)
        first = await credential(those)
        given = await asyncio.gather(*(credential(those, refused=first.lines) for _ in range(20)))
        assert {one.lines for one in given} == {b"authorization: Bearer access-2\r\n"}
        assert [form["grant_type"] for form in server.asked] == ["authorization_code", "refresh_token"]
        assert (await credential(those, refused=first.lines)).lines == b"authorization: Bearer access-2\r\n"
        those.now_ms += 3600_000
        assert (await credential(those)).lines == b"authorization: Bearer access-3\r\n"


async def test_a_refresh_that_fails_for_now_is_no_logout(tmp_path: Path) -> None:
    """While the authorization server is away, a token that is still valid is used; after that the error passes as soon
    as the server is back."""
    async with authorizing(tmp_path) as (server, those):
        await connect(server, those)
        those.now_ms += 3600_000 - 30_000
        server.failing = [Reply(503), Reply.body(b"<html>", "text/html", 200), _error("temporarily_unavailable")]
        for _ in range(3):
            assert (await credential(those)).lines == b"authorization: Bearer access-1\r\n"
        those.now_ms += 60_000
        server.failing = [Reply(503)]
        away = await credential(those)
        assert (away.lines, away.authorize_url) == (b"", "")
        assert "status 503" in away.error
        assert (await credential(those)).lines.startswith(b"authorization: Bearer access-")


@pytest.mark.parametrize(("code", "registrations"), [("invalid_grant", 1), ("invalid_client", 2)])
async def test_an_authorization_that_has_ended_is_connected_anew(
    tmp_path: Path, code: str, registrations: int
) -> None:
    """The tokens are forgotten, the reason is kept; a client that is not known any more is registered anew."""
    async with authorizing(tmp_path) as (server, those):
        await connect(server, those)
        server.failing = [_error(code)]
        ended = await credential(those, refused=b"authorization: Bearer access-1\r\n")
        assert code in ended.error
        (grant,) = (await those.answers.manage(Manage("grants"))).grants
        assert (grant.state, code in grant.reason) == ("ended", True)
        assert (await credential(those)).lines == b""
        await connect(server, those)
        assert (await credential(those)).lines.startswith(b"authorization: Bearer access-")
        assert len(server.registrations) == registrations


WRONG_RETURNS: list[tuple[dict[str, str], str]] = [
    ({"iss": "https://evil.example"}, "another authorization server"),
    ({"iss": ""}, "another authorization server"),
    ({"state": "made-up"}, "has ended or is unknown"),
    ({"error": "access_denied", "error_description": "no"}, "access_denied: no"),
    ({"code": ""}, "neither a code nor an error"),
    ({"code": "made-up"}, "invalid_grant"),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG_RETURNS)
async def test_a_browser_that_comes_back_wrong_changes_nothing(
    tmp_path: Path, changes: dict[str, str], reason: str
) -> None:
    """Another issuer, an unknown state, a refusal, no code or a false one: there is no authorization after it."""
    async with authorizing(tmp_path) as (server, those):
        done = await connect(server, those, **changes)
        assert (done.status, reason in done.error) == (400, True), done.error
        assert (await credential(those)).lines == b""


async def test_a_return_counts_once(tmp_path: Path) -> None:
    """The same query, sent again, is refused."""
    async with authorizing(tmp_path) as (server, those):
        begun = await those.answers.manage(Manage("connect", "docs"))
        again = await those.answers.manage(Manage("connect", "docs"))
        assert begun.url == again.url
        query = server.visit(begun.url)
        assert (await those.answers.manage(Manage("callback", query=query))).error == ""
        assert "has ended or is unknown" in (await those.answers.manage(Manage("callback", query=query))).error


LIES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"resource": "https://other.example/mcp"}, {}, "another resource"),
    ({}, {"issuer": "https://other.example"}, "calls itself 'https://other.example'"),
    ({}, {"code_challenge_methods_supported": ["plain"]}, "PKCE"),
    ({}, {"token_endpoint": "http://other.example/token"}, "expected https"),
    ({}, {"authorization_endpoint": "javascript:alert(1)"}, "expected https"),
    ({}, {"registration_endpoint": ""}, "does not register clients"),
    ({"authorization_servers": ["http://169.254.169.254"]}, {}, "expected https"),
    ({"authorization_servers": ["https://169.254.169.254"]}, {}, "metadata address"),
    ({"authorization_servers": 5}, {}, "cannot be read"),
]


@pytest.mark.parametrize(("resource", "metadata", "reason"), LIES)
async def test_metadata_that_lies_begins_no_flow(
    tmp_path: Path, resource: dict[str, Any], metadata: dict[str, Any], reason: str
) -> None:
    """Documents about something else, insecure endpoints, and addresses that the outbound policy forbids."""
    async with authorizing(tmp_path) as (server, those):
        server.resource, server.metadata = resource, metadata
        begun = await those.answers.manage(Manage("connect", "docs"))
        assert (begun.status, begun.url, reason in begun.error) == (502, "", True), begun.error


async def test_each_user_authorizes_for_themselves(tmp_path: Path) -> None:
    """A caller without an authorization is given the URL of a flow of its own; what comes of it is nobody else's. The
    authorization that all share is begun by administrators only."""
    async with authorizing(tmp_path, per_user=True) as (server, those):
        asked = await credential(those, "alice")
        assert asked.authorize_url.startswith(server.issuer)
        assert (await credential(those, "alice")).authorize_url == asked.authorize_url
        await those.answers.manage(Manage("callback", query=server.visit(asked.authorize_url)))
        assert (await credential(those, "alice")).lines == b"authorization: Bearer access-1\r\n"
        other = await credential(those, "bob")
        assert (other.lines, other.authorize_url == asked.authorize_url) == (b"", False)
        shared = await credential(those)
        assert (shared.lines, shared.authorize_url) == (b"", "")
        assert (await those.answers.manage(Manage("disconnect", "docs", "alice"))).error == ""
        assert (await credential(those, "alice")).lines == b""
        assert (await those.answers.manage(Manage("disconnect", "docs", "alice"))).status == 404


async def test_a_key_of_a_name_that_another_had_is_not_authorized(tmp_path: Path) -> None:
    """Administrators name keys; authorizations belong to what a key is. One whose key is gone is shown, and forgotten,
    by that."""
    async with authorizing(tmp_path, per_user=True) as (server, those):
        those.declare_key("alice", "api:1")
        assert (await those.answers.manage(Manage("connect", "docs", "eve"))).status == 404
        begun = await those.answers.manage(Manage("connect", "docs", "alice"))
        await those.answers.manage(Manage("callback", query=server.visit(begun.url)))
        assert (await credential(those, "api:1")).lines == b"authorization: Bearer access-1\r\n"
        assert [one.user for one in (await those.answers.manage(Manage("grants"))).grants] == ["alice"]
        those.declare_key("alice", "api:2")
        assert (await credential(those, "api:2")).lines == b""
        assert [one.user for one in (await those.answers.manage(Manage("grants"))).grants] == ["api:1"]
        assert (await those.answers.manage(Manage("disconnect", "docs", "alice"))).status == 404
        assert (await those.answers.manage(Manage("disconnect", "docs", "api:1"))).error == ""


async def test_a_token_goes_to_no_other_url(tmp_path: Path) -> None:
    """A server whose URL is changed is not given the token of the old one."""
    async with authorizing(tmp_path) as (server, those):
        await connect(server, those)
        await those.ready("docs")
        async with FakeUpstream() as evil:
            evil.otherwise = lambda _: Reply(404)
            await those.apply(docs=ServerSettings(url=f"{evil.url}/mcp", auth="oauth", allow_loopback=True))
            assert "nobody has authorized" in (await credential(those)).error
            assert evil.requests == []


async def test_a_client_metadata_document_is_used_where_it_is_supported(tmp_path: Path) -> None:
    """With a public https address the URL of the document is the client id, and nothing is registered."""
    async with authorizing(tmp_path) as (server, those):
        those.answers.public_url = "https://asbru.example"
        server.metadata = {"client_id_metadata_document_supported": True}
        name = "https://asbru.example/api/v1/mcp/oauth/client.json"
        server.clients[name] = {"redirect_uris": ["https://asbru.example/api/v1/mcp/oauth/callback"]}
        await connect(server, those)
        await those.ready("docs")
        assert server.registrations == []


@pytest.mark.parametrize("methods", [["client_secret_post"], ["client_secret_basic"]])
async def test_a_configured_client_is_used_with_its_secret(tmp_path: Path, methods: list[str]) -> None:
    """The secret goes as the authorization server wants it, for codes and refreshes alike."""
    settings = {"client_id": "ours:1", "client_secret": SecretText("s%ecret&"), "scope": "only"}
    async with authorizing(tmp_path, **settings) as (server, those):
        server.metadata = {"token_endpoint_auth_methods_supported": methods}
        server.clients["ours:1"] = {"redirect_uris": [REDIRECT]}
        server.secrets["ours:1"] = "s%ecret&"
        begun = await those.answers.manage(Manage("connect", "docs"))
        assert "scope=only" in begun.url
        await those.answers.manage(Manage("callback", query=server.visit(begun.url)))
        await until(lambda: those.entry("docs").state == "ready", "the server is ready")
        assert (await credential(those, refused=b"authorization: Bearer access-1\r\n")).error == ""
        assert server.registrations == []


async def test_scopes_that_a_server_demands_are_asked_for_next_time(tmp_path: Path) -> None:
    """A worker that tells of them is refused in words that say so; other calls do with the token as it is. Whoever
    connects anew asks for what was granted and for what is demanded, and then nothing is demanded any more."""
    async with authorizing(tmp_path) as (server, those):
        await connect(server, those)
        await those.ready("docs")
        refused = await those.answers.credential(CredentialAsked("docs", scope="write a"))
        assert refused.error == "it demands the scopes 'write a' for this; connect it anew"
        assert (await credential(those)).lines == b"authorization: Bearer access-1\r\n"
        begun = await those.answers.manage(Manage("connect", "docs", ""))
        assert parse_qs(urlsplit(begun.url).query)["scope"] == ["a b write"]
        await those.answers.manage(Manage("callback", query=server.visit(begun.url)))
        begun = await those.answers.manage(Manage("connect", "docs", ""))
        assert parse_qs(urlsplit(begun.url).query)["scope"] == ["a b"]


async def test_an_authorization_server_that_answers_too_slowly_is_no_logout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh that it never answers ends at a deadline, which delays nobody whose token is still valid for longer
    than that; once it answers again, nobody has to authorize anew."""
    monkeypatch.setattr("asbru.app.tools.oauth.tokens.TOKEN_S", 0.3)
    async with authorizing(tmp_path) as (server, those):
        await connect(server, those)
        those.now_ms += 3600_000 + 60_000
        server.failing = [Reply(200).but(before=(STALL,))]
        away = await asyncio.gather(*(credential(those) for _ in range(5)))
        assert {(one.lines, one.authorize_url) for one in away} == {(b"", "")}
        assert (await credential(those)).lines.startswith(b"authorization: Bearer access-")
