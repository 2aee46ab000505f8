"""Tags of a call: from headers and from the key, bounded, in one form."""

from __future__ import annotations

from typing import Any

import pytest

from asbru.dialects.openai_chat import DIALECT
from asbru.governance import Caller
from asbru.governance.entries import KeyEntry
from asbru.pipeline.call import Call
from asbru.pipeline.tags import TAGS_MAX, write_booking
from asbru.wire.forwarded import TAG_PREFIX, ForwardedHeaders


def tagged(*tags: tuple[str, str], own: dict[str, str] | None = None) -> Call:
    """A call with these headers, of a key with these tags."""
    nobody: Any = None
    call = Call("openai", DIALECT.operation("chat"), DIALECT, b"", nobody)
    call.caller = Caller(KeyEntry("svc", ("*",), tags=own or {}))
    headers = [(TAG_PREFIX, f"X-Asbru-Tag-{name}".encode(), value.encode()) for name, value in tags]
    call.forwarded = ForwardedHeaders([*headers, (b"", b"user-agent", b"x")], tagged=True)
    return call


def tags_of(call: Call) -> str:
    """The tags that its record has."""
    assert call.caller is not None
    return write_booking(call, call.caller)[2]


def test_tags_are_written_in_order() -> None:
    """Equal tags are equal texts, however they came; names do not tell upper from lower case."""
    call = tagged(("Zone", " eu "), ("app", "chat"), own={"env": "prod"})
    assert tags_of(call) == '{"app":"chat","env":"prod","zone":"eu"}'
    assert call.notes == ()


def test_the_key_s_own_tags_stand() -> None:
    """A caller cannot book on another's account; that it tried is noted."""
    call = tagged(("env", "dev"), own={"env": "prod"})
    assert tags_of(call) == '{"env":"prod"}'
    assert "the key has a tag of this name" in str(call.notes[0])


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("a b", "x"), ("a" * 65, "x"), ("a", ""), ("a", "x" * 129)])
def test_what_is_no_tag_is_noted(name: str, value: str) -> None:
    """A name or value out of bounds is left out, and the call goes on."""
    call = tagged((name, value), ("good", "1"))
    assert tags_of(call) == '{"good":"1"}'
    assert "x-asbru-tag-" in str(call.notes[0]) and len(str(call.notes[0])) < 300


def test_tags_are_bounded() -> None:
    """So many and no more, whoever they are from; a name that comes again counts once."""
    call = tagged(*((f"t{number}", "x") for number in range(40)), ("t0", "y"), own={"env": "prod"})
    told = tags_of(call)
    assert told.count(":") == TAGS_MAX and '"t0":"y"' in told
    assert len(call.notes) <= TAGS_MAX
