"""Large bodies: written by views, saying byte for byte what encoding the whole would have said."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.chat import Raw
from asbru.dialects.openai_chat import DIALECT
from asbru.pipeline.large import VIEW_BYTES_MIN, write_members
from asbru.upstream import LARGE_BYTES_MIN, Body, Spliced

LONG = "x" * (LARGE_BYTES_MIN - 10)


def joined(body: Body) -> bytes:
    """The bytes that would be sent."""
    return b"".join(body.pieces) if isinstance(body, Spliced) else body


VALUES = {
    "none": None,
    "long": LONG,
    "list": [LONG, "\u00e9"],
    "object": {"a": LONG},
    "view": "x" * VIEW_BYTES_MIN,
    "no view": "x" * (VIEW_BYTES_MIN - 3),
    "short": "short",
    "options": {"include_usage": False},
}
names = st.sampled_from(["model", "messages", "system", "tools", "input", "prompt", "n\u00e9", 'a"b', ""])


@given(named=st.dictionaries(names, st.sampled_from(sorted(VALUES))), indent=st.sampled_from([None, 1]))
def test_says_what_encoding_the_whole_says(named: dict[str, str], indent: int | None) -> None:
    """Whatever the members, their sizes and their spelling."""
    document = {name: VALUES[value] for name, value in named.items()}
    body = json.dumps(document, indent=indent, ensure_ascii=False).encode()
    members = msgspec.json.decode(body, type=dict[str, Raw])
    assert joined(write_members(members)) == msgspec.json.encode(members)


def test_large_members_are_views() -> None:
    """What is large is not copied: its piece looks at the body that came."""
    body = json.dumps({"model": "m", "messages": LONG, "n": 1}).encode()
    members = DIALECT.passing.rewrite(DIALECT.operations[0].read_head(body, {}, b""), "other", False, frozenset())
    assert members is not None
    cut = write_members(members)
    assert isinstance(cut, Spliced)
    first, view, last = cut.pieces
    assert isinstance(view, memoryview) and view.nbytes == len(LONG) + 2
    assert (first, last) == (b'{"model":"other","messages":', b',"n":1}')
    assert len(cut) == sum(map(len, cut.pieces))


def test_what_is_not_large_is_one_piece() -> None:
    """Below the limit a copy costs less."""
    assert write_members({"a": Raw(b"1"), "b": Raw(b"[2]")}) == b'{"a":1,"b":[2]}'
    assert write_members({}) == b"{}"
