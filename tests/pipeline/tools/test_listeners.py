"""Streams of users that servers may reach outside of calls."""

from __future__ import annotations

from asbru.mcp.protocol import Message, read_reply
from asbru.pipeline.tools.asked import Client
from asbru.pipeline.tools.listeners import Listener, Listeners

ASKS = b'{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?"}}'


def message() -> Message:
    found = read_reply(ASKS)
    assert found is not None
    return found


def listener(written: list[bytes], *capabilities: str, user: str = "ada", server: str = "one") -> Listener:
    """A stream that sees one server."""
    client = Client("2025-11-25", capabilities)
    return Listener(user, client, lambda name: name == server, written.append, lambda name, _: f"of {name}")


def test_the_newest_stream_that_can_be_asked_is() -> None:
    """Of that user, that sees the server; one that has ended is asked nothing."""
    listeners = Listeners()
    first, second, third = list[bytes](), list[bytes](), list[bytes]()
    listeners.listen(listener(first, "elicitation"))
    end = listeners.listen(listener(second, "elicitation"))
    listeners.listen(listener(third, "roots"))
    (found,) = listeners.find("one", "ada", "elicitation")
    listeners.ask(found, "one", message())
    assert (first, third) == ([], [])
    assert second == [b'{"jsonrpc":"2.0","id":"of one","method":"elicitation/create","params":{"message":"?"}}']
    end()
    listeners.ask(found, "one", message())
    assert len(second) == 1
    assert listeners.find("one", "ada", "elicitation") != (found,)
    for server, user, asks in (("two", "ada", "roots"), ("one", "bob", "roots"), ("one", "ada", "sampling")):
        assert listeners.find(server, user, asks) == ()


def test_a_log_message_goes_to_all_streams_of_the_user() -> None:
    """Whatever their clients can do; not to those of others, nor where the server is not seen."""
    listeners, mine, others = Listeners(), list[bytes](), list[bytes]()
    for _ in range(2):
        listeners.listen(listener(mine))
    listeners.listen(listener(others, user="bob"))
    listeners.listen(listener(others, server="two"))
    listeners.log("one", "ada", b"{}")
    assert (mine, others) == ([b"{}", b"{}"], [])


def test_where_rules_hold_nobody_is_reached() -> None:
    """They look at what is said within calls, so nothing goes past them; also what was asked before they came."""
    listeners, written = Listeners(), list[bytes]()
    listeners.listen(listener(written, "elicitation"))
    (found,) = listeners.find("one", "ada", "elicitation")
    listeners.guarded = True
    assert listeners.find("one", "ada", "elicitation") == ()
    listeners.ask(found, "one", message())
    listeners.log("one", "ada", b"{}")
    assert written == []
