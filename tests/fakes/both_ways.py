"""The plain case of a dialect and the long way, compared: whatever is read must be the same, or refused alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from tests.kits.dialects import Subject

from asbru.core.errors import AsbruError

ODD = st.sampled_from((None, "", "x", 1, 1.5, True, [], {}, [{}], {"type": "x"}, "1", -1, [[]]))


def assert_same(subject: Subject, read: Callable[[bytes], object], body: bytes) -> object:
    """Both ways give the same, which is the answer."""
    found = outcome(read, body)
    with subject.slowly():
        assert outcome(read, body) == found
    return found


def outcome(read: Callable[[bytes], object], body: bytes) -> object:
    """What was read, or the refusal."""
    try:
        return read(body)
    except AsbruError as error:
        return (type(error), error.message)


def members(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of the members, one of which may be of any kind at all, or unknown."""
    fixed = st.fixed_dictionaries(required, optional=optional)
    odd = st.dictionaries(st.sampled_from((*required, *optional, "x_new")), ODD, max_size=1)
    return fixed | st.builds(lambda one, other: {**one, **other}, fixed, odd)
