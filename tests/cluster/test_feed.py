"""The feed: which layer counts, what subscribers are told, gaps, and steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.cluster import Entries, Entry, Everything, Feed, read_entries, write_entries
from asbru.cluster import feed as module


class Told:
    """A subscriber: what it has, and everything it was told."""

    def __init__(self) -> None:
        self.has: dict[str, bytes] = {}
        self.log: list[str] = []

    def put(self, entry_id: str, payload: bytes) -> None:
        self.log.append(f"put {entry_id}")
        self.has.pop(entry_id, None)
        if payload == b"bad":
            raise ValueError("a payload nobody can read")
        self.has[entry_id] = payload

    def remove(self, entry_id: str) -> None:
        self.log.append(f"remove {entry_id}")
        self.has.pop(entry_id, None)  # it may be one that could not be read


def feed() -> tuple[Feed, Told]:
    """A feed with a subscriber of keys."""
    made, told = Feed(), Told()
    made.subscribe("key", told)
    return made, told


def declare(made: Feed, **entries: bytes) -> None:
    """Replace the file's layer, to the end."""
    for _ in made.replace_file({"key": entries}):
        pass


def everything(version: int, **entries: bytes) -> Everything:
    """The store as of a version."""
    return Everything(version, {"key": entries})


def change(entry_id: str, payload: bytes | None = None) -> tuple[Entry, ...]:
    """One change."""
    return (Entry("key", entry_id, payload),)


def test_a_reload_tells_the_differences_only() -> None:
    """What is new, changed and gone, each once, what is added before what is taken away; the same again: nothing."""
    made, told = feed()
    declare(made, a=b"1", b=b"1", c=b"1")
    assert told.log == ["put a", "put b", "put c"]
    told.log.clear()
    declare(made, b=b"1", c=b"2", d=b"1")
    assert told.log == ["put c", "put d", "remove a"]
    told.log.clear()
    declare(made, b=b"1", c=b"2", d=b"1")
    assert told.log == []
    for _ in made.replace_file({}):
        pass
    assert told.has == {}


def test_the_file_counts_before_the_store() -> None:
    """The store's entry shows only where the file has none; told is what counts, and only when it changes."""
    made, told = feed()
    declare(made, a=b"file")
    made.replace_store(everything(1, a=b"store", b=b"store"))
    assert told.has == {"a": b"file", "b": b"store"}
    assert made.apply_changes(2, change("a", b"store2"))
    assert told.log == ["put a", "put b"]
    declare(made, b=b"file")
    assert told.has == {"a": b"store2", "b": b"file"}
    assert made.apply_changes(3, change("b"))
    declare(made)
    assert told.has == {"a": b"store2"}


@pytest.mark.parametrize(
    ("known", "version", "applied", "after"),
    [
        (None, 0, False, None),
        (None, 1, False, None),
        (3, 4, True, 4),
        (3, 3, True, 3),
        (3, 1, True, 3),
        (3, 5, False, 3),
        (3, 99, False, 3),
        (0, 1, True, 1),
    ],
)
def test_versions_have_no_gaps(known: int | None, version: int, applied: bool, after: int | None) -> None:
    """The next version is applied, an older one passed over; after a gap everything is to be asked for anew."""
    made, told = feed()
    if known is not None:
        made.replace_store(everything(known, a=b"1"))
    assert made.apply_changes(version, change("a", b"2")) is applied
    assert made.version == after
    assert (told.has.get("a") == b"2") is (after is not None and after != known)


def test_everything_mends_a_gap() -> None:
    """After a gap the whole brings what was missed; a whole that is older is a store that was set back."""
    made, told = feed()
    made.replace_store(everything(1, a=b"1", b=b"1"))
    assert not made.apply_changes(3, change("c", b"1"))
    told.log.clear()
    made.replace_store(everything(3, a=b"1", c=b"1"))
    assert (told.log, made.version) == (["put c", "remove b"], 3)
    made.replace_store(everything(2, old=b"1"))
    assert (sorted(told.has), made.version) == (["old"], 2)


def test_what_a_subscriber_cannot_read_keeps_nothing_back() -> None:
    """The error is the caller's to tell, once; the entry is as good as deleted, all others go on, in every way."""
    made, told = feed()
    made.replace_store(everything(1, a=b"1"))
    with pytest.raises(ValueError, match="nobody can read"):
        made.apply_changes(2, (*change("a", b"bad"), *change("b", b"1")))
    assert (made.version, told.has) == (2, {"b": b"1"})
    made.replace_store(everything(3, a=b"bad", b=b"1", c=b"1"))
    assert (made.version, told.has) == (3, {"b": b"1", "c": b"1"})
    with pytest.raises(ValueError, match="nobody can read"):
        made.replace_store(everything(4, b=b"bad", c=b"2", d=b"1"))
    assert (made.version, told.has) == (4, {"c": b"2", "d": b"1"})
    with pytest.raises(ValueError, match="nobody can read"):
        declare(made, c=b"bad", e=b"1")
    assert told.has == {"d": b"1", "e": b"1"}


def test_a_large_reload_goes_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many changes per step; one that is given up half way is completed by the next."""
    monkeypatch.setattr(module, "CHUNK_CHANGES_MAX", 10)
    made, told = feed()
    declare(made, old=b"1")
    steps = made.replace_file({"key": {f"k{at}": b"1" for at in range(25)}})
    assert [len(told.has) for _ in zip(range(3), steps, strict=False)] == [1, 11, 21]
    declare(made, k1=b"1", k2=b"2")
    assert told.has == {"k1": b"1", "k2": b"2"}


def test_kinds_nobody_knows_are_kept_quietly() -> None:
    """Another kind is no matter to a subscriber; an unknown one is not lost, and no error."""
    made, told = feed()
    for _ in made.replace_file({"budget": {"a": b"1"}, "key": {"a": b"2"}}):
        pass
    assert told.has == {"a": b"2"}
    for _ in made.replace_file({"key": {"a": b"2"}}):
        pass
    assert told.log == ["put a"]


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x93\x01\x02\x03", write_entries({"key": {"a": b"x"}})[:-1]])
def test_damaged_entries_are_refused(data: bytes) -> None:
    """A file that is cut or is something else raises ValueError; a whole one reads back."""
    with pytest.raises(ValueError):
        read_entries(data)
    assert read_entries(write_entries({"key": {"a": b"\x00"}})) == {"key": {"a": b"\x00"}}


_IDS = st.sampled_from("abcd")
_PAYLOADS = st.sampled_from([b"1", b"2"])
_LAYER = st.dictionaries(_IDS, _PAYLOADS)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("file"), _LAYER),
        st.tuples(st.just("half"), _LAYER),
        st.tuples(st.just("store"), _LAYER),
        st.tuples(st.just("change"), st.tuples(_IDS, st.none() | _PAYLOADS)),
    ),
    max_size=12,
)


@given(_STEPS)
def test_a_subscriber_has_what_counts(steps: list[tuple[str, Any]]) -> None:
    """Whatever happens in whatever order, it has the file's entries, and the store's where the file has none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_CHANGES_MAX", 1)
        _follow(steps)


def _follow(steps: list[tuple[str, Any]]) -> None:
    made, told = feed()
    file: Entries = {"key": {}}
    store: dict[str, bytes] = {}
    version = 0
    for kind, what in steps:
        if kind in ("file", "half"):
            replacing: Iterator[None] = made.replace_file({"key": what})
            if kind == "half":
                next(replacing, None)
                replacing = made.replace_file({"key": what})
            for _ in replacing:
                pass
            file = {"key": what}
        elif kind == "store":
            version += 2
            made.replace_store(everything(version, **what))
            store = dict(what)
        elif made.apply_changes(version + 1, change(*what)):
            version += 1
            store = {**store, what[0]: what[1]}
        counted = {**store, **file["key"]}
        assert told.has == {entry_id: payload for entry_id, payload in counted.items() if payload is not None}
