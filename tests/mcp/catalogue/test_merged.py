"""Lists of several servers as one: names, order, what is held back, and how long they may be kept."""

from __future__ import annotations

from typing import Any

import msgspec

from asbru.mcp.access import Accesses
from asbru.mcp.catalogue import Catalogue, Definition, ListKind, ServerEntry, digest_of, write_server
from asbru.mcp.catalogue.merged import Address, Merged

ALL = Address()
ODD = b'{"name":"add","inputSchema":{"type":"object","n":1.0e1},"annotations":{"x":[ ]},"own":null}'


def _one(name: str, *, held: bool = False) -> Definition:
    data = b'{"name":"%b","uri":"%b"}' % (name.encode(), name.encode())
    return Definition(name, data, digest_of(data), held)


def _entry(name: str, *tools: Definition, **changed: Any) -> ServerEntry:
    return ServerEntry(name, state="ready", tools=tools, **changed)


def _merged(*entries: ServerEntry) -> Merged:
    catalogue = Catalogue()
    for entry in entries:
        catalogue.put(entry.name, write_server(entry))
    return Merged(catalogue)


def _listed(
    merged: Merged, *patterns: str, kind: ListKind = "tools", address: Address = ALL, stateless: bool = False
) -> dict[str, Any]:
    access = Accesses({}).of(patterns or ("*",))
    found: dict[str, Any] = msgspec.json.decode(merged.result(access, address, kind, stateless=stateless))
    return found


def _names(merged: Merged, *patterns: str, **options: Any) -> list[str]:
    return [one["name"] for one in _listed(merged, *patterns, **options)["tools"]]


def test_names_and_order_depend_on_nothing_else() -> None:
    """Servers by name, whenever they came; tools in their server's order. The name of a tool has its server's before
    it, also where there is only one, and has not at the server's own address."""
    one, two = _entry("b", _one("y"), _one("x")), _entry("a", _one("x"))
    assert _names(_merged(one, two)) == _names(_merged(two, one)) == ["a__x", "b__y", "b__x"]
    assert _names(_merged(one)) == ["b__y", "b__x"]
    assert _names(_merged(one, two), address=Address(server="b")) == ["y", "x"]


def test_a_definition_stays_as_it_came_but_for_its_name() -> None:
    """Members that nobody knows, and how numbers are written."""
    merged = _merged(_entry("s", Definition("add", ODD, digest_of(ODD))))
    access = Accesses({}).of(("*",))
    whole = merged.result(access, Address(server="s"), "tools", stateless=False)
    assert ODD in whole
    assert ODD.replace(b'"add"', b'"s__add"') in merged.result(access, Address(), "tools", stateless=False)


def test_what_is_held_or_disabled_is_not_listed() -> None:
    """A tool that changed and waits for approval; every tool of a server that is switched off."""
    held = _entry("a", _one("x", held=True), _one("y"))
    off = msgspec.structs.replace(_entry("b", _one("x")), state="disabled")
    dead = msgspec.structs.replace(_entry("c", _one("x")), state="unreachable", reason="it is away")
    assert _names(_merged(held, off, dead)) == ["a__y", "c__x"]


def test_resources_and_prompts_are_for_those_who_may_use_the_server() -> None:
    """A key that may use some tools of it sees none; prompts have joined names, resources their own URIs."""
    merged = _merged(_entry("a", _one("x"), resources=(_one("file:///r"),), prompts=(_one("p"),)))
    assert _listed(merged, "a/x", kind="resources") == {"resources": []}
    assert [one["uri"] for one in _listed(merged, "a", kind="resources")["resources"]] == ["file:///r"]
    assert [one["name"] for one in _listed(merged, "a", kind="prompts")["prompts"]] == ["a__p"]
    assert _listed(merged, "a", kind="resource_templates") == {"resourceTemplates": []}


def test_how_long_a_list_may_be_kept() -> None:
    """In the stateless era: as briefly as any of its members, by nobody else."""
    merged = _merged(_entry("a", _one("x"), ttl_ms=5000, scope="public"), _entry("b", _one("x"), ttl_ms=300))
    told = _listed(merged, stateless=True)
    assert (told["resultType"], told["ttlMs"], told["cacheScope"]) == ("complete", 300, "private")
    assert _listed(merged, "a", stateless=True)["ttlMs"] == 5000
    assert _listed(merged, "none", stateless=True)["ttlMs"] == 0


def test_changes_count_from_the_next_list_on() -> None:
    """A list that was kept is written anew when the catalogue has changed; listeners hear of what changed."""
    merged = _merged(_entry("a", _one("x")))
    assert _names(merged) == ["a__x"]
    heard: list[tuple[str, frozenset[str]]] = []
    end = merged.catalogue.listen(lambda server, kinds: heard.append((server, kinds)))
    merged.catalogue.put("a", write_server(_entry("a", _one("x"), _one("y"))))
    merged.catalogue.put("a", write_server(_entry("a", _one("x"), _one("y"), instructions="other words")))
    assert _names(merged) == ["a__x", "a__y"]
    end()
    merged.catalogue.remove("a")
    assert _names(merged) == [] and heard == [("a", frozenset({"tools"}))]
