"""Tools of all servers, who may use each, and the key by which a person tries one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.management import PEPPER, Managed, managed

from asbru.admin import tool_list
from asbru.app.api_kinds import COMPILED_KINDS
from asbru.cluster import Entry, stored
from asbru.governance import VIRTUAL_KEY, digest_of
from asbru.governance.entries import KeyEntry
from asbru.mcp.catalogue import MCP_SERVER, Definition, ServerEntry, write_server


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API with two servers."""
    with managed(tmp_path, *COMPILED_KINDS) as one:
        look = Definition("look", b'{"name":"look","description":"Looks around."}', "1")
        move = Definition("move", b'{"name":"move","title":7}', "2", held=True)
        servers = (ServerEntry(name="docs", tools=(look, move)), ServerEntry(name="ants", tools=(look,)))
        with one.database.transaction():
            stored.save_entries(
                one.database, [Entry(MCP_SERVER, server.name, write_server(server)) for server in servers]
            )
        yield one


def permitted(api: Managed, tool: str, role: str = "admin") -> list[tuple[str, str, str]]:
    """(key, owner, pattern) of those that may use a tool of `docs`."""
    items: list[dict[str, Any]] = api.ask("GET", "mcp/access", query=f"server=docs&tool={tool}", role=role)["items"]
    return [(one["key"], one["owner"], one["pattern"]) for one in items]


def test_tools_are_found_by_server_name_and_description(api: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    """By server and name; what does not fit a page is counted; a server may say nonsense of its tools."""
    listed = api.ask("GET", "mcp/tools", role="viewer")
    assert [(one["server"], one["name"], one["held"]) for one in listed["items"]] == [
        ("ants", "look", False),
        ("docs", "look", False),
        ("docs", "move", True),
    ]
    for search, found in (("docs__MO", ["move"]), ("around", ["look", "look"]), ("none", [])):
        assert [one["name"] for one in api.ask("GET", "mcp/tools", query=f"search={search}")["items"]] == found
    monkeypatch.setattr(tool_list, "ITEMS_MAX", 2)
    assert api.ask("GET", "mcp/tools")["more"] == 1
    assert api.call("GET", "mcp/tools", role=None).status == 401


def test_the_lists_of_a_key_and_of_those_above_it_add_up(api: Managed) -> None:
    """Each list that lets a key use the tool is told; a group counts as its patterns; nothing means nothing."""
    api.ask("POST", "mcp-groups", {"name": "reading", "tools": ["docs/lo*"]}, status=201)
    api.ask("POST", "customers", {"name": "acme", "mcp": ["docs"]}, status=201)
    api.ask("POST", "teams", {"name": "blue", "customer": "acme", "mcp": ["reading"]}, status=201)
    api.ask("POST", "keys", {"name": "a", "team": "blue"}, status=201)
    api.ask("POST", "keys", {"name": "b", "mcp": ["ants", "docs/move"]}, status=201)
    api.ask("POST", "keys", {"name": "c"}, status=201)
    assert permitted(api, "look") == [("a", "team/blue", "reading"), ("a", "customer/acme", "docs")]
    assert permitted(api, "move") == [("a", "customer/acme", "docs"), ("b", "key/b", "docs/move")]


def test_keys_that_may_use_a_tool_come_in_pages(api: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many keys, and at most so many that are looked at; all pages together hold each once."""
    for number in range(12):
        api.ask("POST", "keys", {"name": f"k{number:02}", "mcp": ["docs/look"] if number % 3 else []}, status=201)
    monkeypatch.setattr(tool_list, "STEP_KEYS", 2)
    monkeypatch.setattr(tool_list, "KEYS_MAX", 6)

    def pages(limit: int) -> list[list[str]]:
        found: list[list[str]] = []
        after: str | None = ""
        while after is not None:
            page = api.ask("GET", "mcp/access", query=f"server=docs&tool=look&limit={limit}&after={after}")
            found.append([one["key"] for one in page["items"]])
            after = page["next"]
        return found

    meant = [f"k{number:02}" for number in range(12) if number % 3]
    assert pages(3) == [meant[:3], meant[3:6], meant[6:]]
    assert pages(100) == [meant[:4], meant[4:]]
    assert api.ask("GET", "mcp/access", query="server=docs&tool=none") == {"items": [], "next": "k05"}


def test_a_key_for_trying_tools_can_do_nothing_else(api: Managed) -> None:
    """A viewer gets none; the key may use every tool and no model, and is another one than the playground's."""
    assert api.call("POST", "mcp/tools/key", role="viewer").status == 403
    made = api.ask("POST", "mcp/tools/key", status=201)
    payload = api.feed()[VIRTUAL_KEY][digest_of(made["value"].encode(), PEPPER)]
    entry = msgspec.msgpack.decode(payload, type=KeyEntry)
    assert (made["name"], entry.models, entry.mcp) == ("playground-tools-token-admin", (), ("*",))
    assert api.ask("POST", "playground/key", status=201)["name"] == "playground-token-admin"
    api.ask("PATCH", "keys/playground-tools-token-admin", {"mcp": ["docs/look"]})
    made = api.ask("POST", "mcp/tools/key", status=201)
    payload = api.feed()[VIRTUAL_KEY][digest_of(made["value"].encode(), PEPPER)]
    assert msgspec.msgpack.decode(payload, type=KeyEntry).mcp == ("docs/look",), "what an admin took away stays so"
