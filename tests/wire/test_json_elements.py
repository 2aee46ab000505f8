"""Elements of a JSON text: counted alike however it is cut, and never fewer than a decoder would make."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.wire.json_elements import ElementCounter, separators

VALUES = st.recursive(
    st.text(alphabet='a",\\[{:', max_size=6) | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='a",\\[{', max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


def count(value: Any) -> int:
    """What is counted: containers, and what separates their elements."""
    if isinstance(value, dict):
        return max(len(value), 1) + sum(map(count, value.values()))
    if isinstance(value, list):
        return max(len(value), 1) + sum(map(count, value))
    return 0


def fed(text: bytes, size: int) -> int:
    """The count of `text` in pieces of `size`."""
    counter = ElementCounter()
    for at in range(0, len(text), size):
        counter.feed(text[at : at + size])
    return counter.count


@given(value=VALUES, size=st.integers(1, 40), indent=st.sampled_from([None, 1]))
def test_elements_are_counted_alike_however_the_text_is_cut(value: Any, size: int, indent: int | None) -> None:
    """Strings do not count, whatever is escaped in them."""
    text = json.dumps(value, indent=indent).encode()
    assert fed(text, size) == fed(text, len(text)) == count(value) <= separators(text)


@pytest.mark.parametrize("text", [b'"\\', b'"\\\\\\"', b"\\\\", b'"', b"", b'\\"[,'])
def test_what_is_no_json_is_counted_too(text: bytes) -> None:
    """Nothing makes it fail; a decoder refuses it later."""
    assert fed(text, 1) >= 0
