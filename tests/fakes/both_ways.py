"""The plain case of a dialect and the long way, compared: whatever is read must be the same, or refused alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import strategies as st

from asbru.core.errors import AsbruError

CASES = Path(__file__).parents[1] / "cases"
ODD = st.sampled_from((None, "", "x", 1, 1.5, True, [], {}, [{}], {"type": "x"}, "1", -1, [[]]))


class BothWays:
    """`switches`: the names by which modules call the readers of plain forms."""

    def __init__(self, *switches: tuple[ModuleType, str]) -> None:
        self._switches = switches

    def assert_same(self, read: Callable[[bytes], object], body: bytes) -> None:
        """Both ways give the same."""
        found = outcome(read, body)
        with self._the_long_way():
            assert outcome(read, body) == found

    @contextmanager
    def _the_long_way(self) -> Iterator[None]:
        """Nothing counts as plain."""
        with pytest.MonkeyPatch.context() as patch:
            for module, name in self._switches:
                patch.setattr(module, name, lambda _: None)
            yield


def outcome(read: Callable[[bytes], object], body: bytes) -> object:
    """What was read, or the words of the refusal."""
    try:
        return read(body)
    except AsbruError as error:
        return (type(error), error.message)


def wires(dialect: str, kind: str) -> list[Any]:
    """The golden cases of a kind, as they stand on the wire."""
    paths = (CASES / dialect).glob(f"{kind}_*.json")
    return [pytest.param(json.loads(path.read_text())["wire"], id=path.stem) for path in paths]


def members(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of the members, one of which may be of any kind at all, or unknown."""
    fixed = st.fixed_dictionaries(required, optional=optional)
    odd = st.dictionaries(st.sampled_from((*required, *optional, "x_new")), ODD, max_size=1)
    return fixed | st.builds(lambda one, other: {**one, **other}, fixed, odd)
