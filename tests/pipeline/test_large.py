"""Large bodies: rewritten by views, saying byte for byte what rewriting the whole would have said."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.errors import BadRequest
from asbru.dialects import Dialect
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as OPENAI
from asbru.pipeline.large import rewrite_large
from asbru.upstream import LARGE_BYTES_MIN, Body, Spliced

LONG = "x" * (LARGE_BYTES_MIN - 10)


def joined(body: Body) -> bytes:
    """The bytes that would be sent."""
    return b"".join(body.pieces) if isinstance(body, Spliced) else body


VALUES = {
    "none": None,
    "long": LONG,
    "list": [LONG, "é"],
    "object": {"a": LONG},
    "short": "short",
    "options": {"include_usage": False},
}
members = st.sampled_from(["messages", "system", "tools", "input", "prompt", "user", "stream_options", "né"])


@given(
    named=st.dictionaries(members, st.sampled_from(sorted(VALUES))),
    dialect=st.sampled_from(["openai", "anthropic"]),
    asked=st.booleans(),
    strip=st.frozensets(members, max_size=2),
    indent=st.sampled_from([None, 1]),
)
def test_says_what_rewriting_the_whole_says(
    *, named: dict[str, str], dialect: str, asked: bool, strip: frozenset[str], indent: int | None
) -> None:
    """Whatever the members and their spelling, of either dialect, and what is stripped; refusals too."""
    document = {"model": "m", **{name: VALUES[value] for name, value in named.items()}}
    body = json.dumps(document, indent=indent, ensure_ascii=False).encode()
    rewrite = partial(_rewritten, OPENAI if dialect == "openai" else ANTHROPIC, asked, strip)
    assert _said(partial(rewrite_large, body, rewrite)) == _said(partial(rewrite, body))


def _said(work: Callable[[], Body]) -> bytes | str:
    try:
        return joined(work())
    except BadRequest as error:
        return str(error)


def _rewritten(dialect: Dialect, asked: bool, strip: frozenset[str], body: bytes) -> bytes:
    return dialect.rewrite(body, "other", asked, strip)


def test_large_members_are_views() -> None:
    """What is large is not copied: its piece looks at the body that came."""
    body = json.dumps({"model": "m", "messages": LONG, "n": 1}).encode()
    cut = rewrite_large(body, partial(_rewritten, OPENAI, False, frozenset()))
    assert isinstance(cut, Spliced)
    first, view, last = cut.pieces
    assert isinstance(view, memoryview) and view.nbytes == len(LONG) + 2
    assert (first, last) == (b'{"model":"other","messages":', b',"n":1}')
    assert len(cut) == sum(map(len, cut.pieces))


def test_nothing_to_change_is_the_same_object() -> None:
    """A body that stays as it is goes out as it came."""
    body = json.dumps({"model": "other", "messages": LONG}).encode()
    assert rewrite_large(body, partial(_rewritten, OPENAI, False, frozenset())) is body


@pytest.mark.parametrize("body", [b"[]", b'{"model":', b"\xff"])
def test_what_is_no_object_is_left_to_the_dialect(body: bytes) -> None:
    """The refusal is the dialect's own."""
    with pytest.raises(BadRequest):
        rewrite_large(body, partial(_rewritten, OPENAI, False, frozenset()))
