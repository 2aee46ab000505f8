"""What the catalogue offers, and what a conversation keeps of it."""

from __future__ import annotations

import json

import pytest

from asbru.mcp.access import Access
from asbru.mcp.catalogue import Catalogue, Definition, ServerEntry, digest_of, write_server
from asbru.pipeline.tools import offers
from asbru.pipeline.tools.offers import CONVERSATION_S, Offer, Offers

EVERYTHING = Access(("*",), {})


def definition(name: str, description: str = "d", *, held: bool = False) -> Definition:
    """A tool as its server gives it."""
    text = json.dumps({"name": name, "description": description, "inputSchema": {"type": "object", "x-own": 1}})
    return Definition(name, text.encode(), digest_of(text.encode()), held)


class Shelf:
    """A catalogue with offers of it."""

    def __init__(self) -> None:
        self.catalogue = Catalogue()
        self.in_code: set[str] = set()
        self.offers = Offers(self.catalogue, self.in_code.__contains__)

    def put(self, name: str, *tools: Definition, **changes: str) -> None:
        """A server with these tools."""
        entry = ServerEntry(name, state=changes.get("state", "ready"), tools=tools)  # type: ignore[arg-type] -- words
        self.catalogue.put(name, write_server(entry))

    def keep(
        self, access: Access = EVERYTHING, name: bytes = b"c", *, begun: bool = True, at_s: float = 0.0
    ) -> Offer:
        """What a conversation is offered."""
        return self.offers.keep(access, name, begun=begun, now_s=at_s)


def test_an_offer_is_sorted_and_as_the_server_gave_it() -> None:
    """Names with the server's, schemas to the byte, whatever the order in which the servers came."""
    shelf = Shelf()
    shelf.put("b", definition("two"), definition("one"))
    shelf.put("a", definition("z"))
    tools = shelf.offers.of(EVERYTHING).tools
    assert list(tools) == ["a__z", "b__one", "b__two"]
    assert bytes(tools["a__z"].tool.parameters or b"") == b'{"type": "object", "x-own": 1}'
    assert shelf.offers.of(EVERYTHING) is shelf.offers.of(EVERYTHING)


def test_what_may_not_be_used_is_not_offered() -> None:
    """Neither without a grant, nor held back, nor of a server that is switched off or called from scripts."""
    shelf = Shelf()
    shelf.put("a", definition("ours"), definition("theirs"), definition("held", held=True))
    shelf.put("off", definition("x"), state="disabled")
    shelf.put("code", definition("x"))
    shelf.in_code.add("code")
    access = Access(("a/ours", "a/held", "off", "code"), {})
    assert list(shelf.offers.of(access).tools) == ["a__ours"]


def test_a_conversation_keeps_what_it_was_offered() -> None:
    """New tools and new words for old ones are for conversations that begin later."""
    shelf = Shelf()
    shelf.put("a", definition("one"))
    first = shelf.keep(begun=False)
    shelf.put("a", definition("one", "other words"), definition("two"))
    assert shelf.keep() is first
    assert list(shelf.keep(name=b"other", begun=False).tools) == ["a__one", "a__two"]
    assert shelf.keep() is first
    assert shelf.keep(begun=False) is shelf.offers.of(EVERYTHING)


def test_what_is_gone_leaves_a_conversation_and_stays_away() -> None:
    """A tool that is held back, or no longer granted, is not offered for the sake of a cache."""
    shelf = Shelf()
    shelf.put("a", definition("one"), definition("two"))
    shelf.keep(begun=False)
    shelf.put("a", definition("one"), definition("two", held=True))
    assert list(shelf.keep().tools) == ["a__one"]
    shelf.put("a", definition("one"), definition("two"))
    assert list(shelf.keep().tools) == ["a__one"]
    assert not shelf.keep(Access(("b",), {})).tools


def test_conversations_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an hour without a request, and the oldest of too many."""
    shelf = Shelf()
    shelf.put("a", definition("one"))
    first = shelf.keep(begun=False)
    shelf.put("a", definition("one"), definition("two"))
    assert shelf.keep(at_s=CONVERSATION_S - 1) is first
    assert shelf.keep(at_s=2 * CONVERSATION_S) is not first
    monkeypatch.setattr(offers, "CONVERSATIONS_MAX", 1)
    now = shelf.keep(begun=False)
    shelf.keep(name=b"other")
    shelf.put("a", definition("three"))
    assert shelf.keep() is not now


def test_a_definition_that_cannot_be_read_is_left_out() -> None:
    """The others are offered."""
    shelf = Shelf()
    shelf.put("a", Definition("bad", b'{"description":1}', "x"), definition("one"))
    assert list(shelf.offers.of(EVERYTHING).tools) == ["a__one"]
