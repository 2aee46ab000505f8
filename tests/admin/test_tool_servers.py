"""MCP servers over the management API: who may see and do what, and what strangers get."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.asgi import ask
from tests.fakes.management import Managed, managed

from asbru.admin import api_preview, tool_servers
from asbru.app.api_documents import preview
from asbru.cluster import Entry, stored
from asbru.mcp.catalogue import MCP_SERVER, Definition, ServerEntry, write_server
from asbru.mcp.manage import Grant, Manage, Pinned
from asbru.mcp.manage import Managed as Done
from asbru.mcp.servers import Server

CHANGED = b'{"name": "add", "description": "new", "x": 1.50}'


class Tools:
    """A tools process that remembers what it is asked; `answer` None: it is away."""

    def __init__(self) -> None:
        self.asked: list[Manage] = []
        self.answer: Done | None = Done()

    async def manage(self, asked: Manage) -> Done | None:
        """Answer; authorizations and pins are always known."""
        if asked.verb == "grants":
            return Done(grants=(Grant("docs", "ann", "ended", "gone", "https://as.example", "a", 0),))
        if asked.verb == "pinned":
            return Done(pinned=(Pinned("tool", "add", b'{"name":"add","description":"old"}'),))
        self.asked.append(asked)
        return self.answer


class Api:
    """The API over a database with one server, `docs`."""

    def __init__(self, api: Managed) -> None:
        self.tools = Tools()
        self.tried: list[Server] = []
        self.api = api
        held = Definition("add", CHANGED, "d1", held=True, suspicion="override")
        entry = ServerEntry(name="docs", state="ready", tools=(held,), endpoint="/run/mcp-docs.sock")
        with api.database.transaction():
            stored.save_entries(api.database, [Entry(MCP_SERVER, "docs", write_server(entry))])
        self.application = api.management.application(
            (tool_servers.build_router(api.act, self.tools), api_preview.build_router(preview, self.try_server)), "1"
        )

    async def try_server(self, server: Server) -> api_preview.TriedServer:
        """A server that is ready."""
        self.tried.append(server)
        return api_preview.TriedServer("ready", tools=(api_preview.TriedTool("add", "Adds.", ""),), tools_count=1)

    def ask(self, method: str, path: str, body: bytes | None = None, role: str = "admin") -> Any:
        """A request of somebody with a role; "" for nobody."""
        headers = {"authorization": f"Bearer {self.api.token(role)}"} if role else {}
        path, _, query = path.partition("?")
        return ask(self.application, f"/api/v1/mcp/{path}", body, method=method, query=query, **headers)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """See `Api`."""
    with managed(tmp_path) as made:
        yield Api(made)


def test_servers_are_shown_with_what_is_held_and_what_was_approved(api: Api) -> None:
    """Definitions are as the server gave them, to the byte; the socket of a presented server concerns nobody."""
    (item,) = api.ask("GET", "servers", role="viewer").json()["items"]
    assert (item["name"], item["state"], item["tools"], item["held"], item["endpoint"]) == ("docs", "ready", 1, 1, "")
    assert item["suspicious"] == 1
    assert item["grants"][0]["user"] == "ann"
    shown = api.ask("GET", "servers/docs", role="viewer")
    assert CHANGED in shown.body
    assert shown.json()["offers"]["tools"][0]["suspicion"] == "override"
    assert shown.json()["offers"]["tools"][0]["approved"]["description"] == "old"
    assert api.ask("GET", "servers/none").status == 404


def test_tools_are_shown_as_scripts_call_them(api: Api) -> None:
    """The signatures that a model reads in code mode, without those that are held."""
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    look = Definition("look-up", msgspec.json.encode({"name": "look-up", "inputSchema": schema}), "d2")
    held = Definition("add", CHANGED, "d1", held=True)
    entry = ServerEntry(name="docs", state="ready", tools=(held, look))
    with api.api.database.transaction():
        stored.save_entries(api.api.database, [Entry(MCP_SERVER, "docs", write_server(entry))])
    shown = api.ask("GET", "servers/docs/stubs", role="viewer").json()["text"]
    assert "def look_up(*, id: int) -> Any: ..." in shown and "def add" not in shown
    assert api.ask("GET", "servers/none/stubs").status == 404


def test_approvals_are_noted_and_viewers_may_not_give_them(api: Api) -> None:
    """What is approved is passed on as it was looked at, and stands in the history; a refusal is not noted."""
    body = b'{"definitions": [{"kind": "tool", "name": "add", "digest": "d1"}]}'
    assert api.ask("POST", "servers/docs/approve", body, "viewer").status == 403
    assert api.ask("POST", "servers/docs/approve", b'{"definitions": [{"kind": "x"}]}').status == 422
    assert api.tools.asked == []
    assert api.ask("POST", "servers/docs/approve", body).status == 200
    assert [(one.verb, one.definitions[0].digest) for one in api.tools.asked] == [("approve", "d1")]
    api.tools.answer = Done(error="it has changed since", status=409)
    assert api.ask("POST", "servers/docs/approve", body).status == 409
    (change,) = api.api.act.objects.load_changes(before=None, limit=10, kind="mcp_server", object_id="docs")
    assert (change.action, "tool add" in change.after) == ("approve", True)


def test_an_authorization_is_begun_for_whom_an_administrator_names(api: Api) -> None:
    """The URL comes back; without the tools process it is 503."""
    api.tools.answer = Done(url="https://as.example/authorize?x=1")
    assert api.ask("POST", "servers/docs/connect", b'{"user": "ann"}').json() == {
        "url": "https://as.example/authorize?x=1"
    }
    assert (api.tools.asked[0].verb, api.tools.asked[0].user) == ("connect", "ann")
    api.tools.answer = None
    assert api.ask("POST", "servers/docs/connect", b"{}").status == 503
    assert api.ask("GET", "oauth/client.json", role="").status == 503


def test_the_page_that_browsers_come_back_to_is_open_and_escapes_what_others_say(api: Api) -> None:
    """Nobody is logged in there; words of an authorization server are text, and the page loads and leaks nothing."""
    api.tools.answer = Done(error="access_denied: <script>alert(1)</script>", status=400)
    page = api.ask("GET", "oauth/callback?error=access_denied&state=s", role="")
    assert page.status == 400
    assert b"<script>" not in page.body
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert api.tools.asked[0].query == {"error": "access_denied", "state": "s"}
    api.tools.answer = Done(message="Asbru is now authorized.")
    assert b"authorized" in api.ask("GET", "oauth/callback?code=c&state=s", role="").body
    assert api.ask("GET", "servers", role="").status == 401


def test_a_document_is_previewed_and_nothing_is_kept(api: Api) -> None:
    """The tools with their definitions; what is no document is refused with words; viewers may not ask."""
    text = 'openapi: "3.1.0"\ninfo: {title: Pets}\npaths: {/pets: {get: {operationId: list_pets}}}'
    body = msgspec.json.encode({"document": text})
    shown = api.ask("POST", "preview", body).json()
    assert (shown["title"], shown["url"]) == ("Pets", "")
    assert [(tool["name"], tool["method"], tool["path"]) for tool in shown["tools"]] == [
        ("list_pets", "GET", "/pets")
    ]
    assert shown["tools"][0]["definition"]["inputSchema"]["type"] == "object"
    refused = api.ask("POST", "preview", b'{"document": "[1]"}')
    assert refused.status == 400 and "expected an object" in refused.json()["error"]["message"]
    assert api.ask("POST", "preview", body, "viewer").status == 403
    assert api.tools.asked == []


def test_a_server_is_tested_by_who_may_add_it(api: Api) -> None:
    """By its URL and what goes with it; what is no server, and programs, are refused; nothing is kept of it."""
    body = b'{"name": "docs", "url": "http://127.0.0.1:9/mcp", "headers": {"authorization": "Bearer t"}}'
    found = api.ask("POST", "test", body).json()
    assert (found["state"], found["tools_count"], found["tools"][0]["name"]) == ("ready", 1, "add")
    (tried,) = api.tried
    assert (tried.url, tried.headers["authorization"].reveal()) == ("http://127.0.0.1:9/mcp", "Bearer t")
    assert api.ask("POST", "test", body, "viewer").status == 403
    assert api.ask("POST", "test", b'{"command": ["sh"]}').status == 400
    assert api.ask("POST", "test", b'{"url": "file:///etc"}').status == 422
    assert api.ask("POST", "test", b"[1]").status == 400
    assert len(api.tried) == 1
    assert api.tools.asked == []
