"""The feed: small things of which there are many, and which change one at a time. It stands beside the snapshot.

A worker's feed has two layers. "File" is what the configuration declares: replaced whole, at each reload. "Store" is
what the database holds: a version and changes, each change one version after the last. Where both have an entry, the
file's counts. Subscribers of a kind are told the differences only, so a reload that changes one key of 20,000 touches
one. Pure: nothing here waits, and what an entry means is its subscriber's business.

    store layer     | comes: the next version | an older one | a later one, a gap  | everything
    version unknown | (is a gap)              | (is a gap)   | ignored: ask anew   | taken, version known
    version known   | applied                 | ignored      | ignored: ask anew   | taken, also an older version
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeAlias

import msgspec

CHUNK_CHANGES_MAX = 1000
"""Changes of a reload between two pauses: about two milliseconds."""

Entries: TypeAlias = dict[str, dict[str, bytes]]
"""Payloads (MessagePack) by kind and id."""


_Change: TypeAlias = tuple[str, str, bytes | None]
"""(kind, id, payload; None: it is deleted)."""

_NONE: dict[str, bytes] = {}


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One entry as it is changed; `payload` None: it is deleted."""

    kind: str
    id: str
    payload: bytes | None


class Changes(msgspec.Struct, frozen=True, array_like=True):
    """What made `version` out of the version before it."""

    version: int
    entries: tuple[Entry, ...]


class Everything(msgspec.Struct, frozen=True, array_like=True):
    """The whole store as of `version`."""

    version: int
    entries: Entries


class Subscriber(Protocol):
    """Who keeps the entries of one kind. `put` raises `ValueError` for a payload it cannot read; whatever it had
    under that id is then gone."""

    def put(self, entry_id: str, payload: bytes) -> None:
        """The entry is new or has changed."""
        ...

    def remove(self, entry_id: str) -> None:
        """The entry, which was put before, is no more."""
        ...


def write_entries(entries: Entries) -> bytes:
    """As they are written beside a snapshot."""
    return msgspec.msgpack.encode(entries)


def read_entries(data: bytes) -> Entries:
    """The entries; raises `msgspec.ValidationError` or `msgspec.DecodeError`, both `ValueError`s."""
    return msgspec.msgpack.decode(data, type=Entries)


class Feed:
    """See the module. `version` is that of the store's layer; None: it is not known."""

    def __init__(self) -> None:
        self.version: int | None = None
        self._file: Entries = {}
        self._store: Entries = {}
        self._subscribers: dict[str, Subscriber] = {}

    def subscribe(self, kind: str, subscriber: Subscriber) -> None:
        """The one subscriber of a kind, from the start on."""
        self._subscribers[kind] = subscriber

    def replace_file(self, entries: Entries) -> Iterator[None]:
        """Make the file's layer hold `entries`, a bounded number of changes per step; to be run to its end, or given up
        for another replacement. What is added and changed comes first, so that a key that takes over from another is
        known before the other is not. Raises as `apply_changes` does."""
        changes = _differences(self._file, entries)
        wrong: list[ValueError] = []
        while chunk := tuple(islice(changes, CHUNK_CHANGES_MAX)):
            yield
            wrong += self._set(self._file, chunk)
        _raise_first(wrong)

    def replace_store(self, everything: Everything) -> None:
        """Make the store's layer hold everything. An older version than the known one means that the store was set
        back. Raises as `apply_changes` does."""
        self.version = everything.version
        _raise_first(self._set(self._store, _differences(self._store, everything.entries)))

    def apply_changes(self, version: int, entries: Sequence[Entry]) -> bool:
        """Apply the changes that lead to `version`. False: one before it is missing, and everything has to be asked for
        anew. Raises the first `ValueError` of a subscriber once all else is applied: what it cannot read is as good as
        deleted, and keeps nothing else back."""
        if self.version is None or version > self.version + 1:
            return False
        if version <= self.version:
            return True
        self.version = version
        _raise_first(self._set(self._store, ((entry.kind, entry.id, entry.payload) for entry in entries)))
        return True

    def _set(self, layer: Entries, changes: Iterable[_Change]) -> list[ValueError]:
        wrong: list[ValueError] = []
        for change in changes:
            try:
                self._set_one(layer, *change)
            except ValueError as error:
                wrong.append(error)
        return wrong

    def _set_one(self, layer: Entries, kind: str, entry_id: str, payload: bytes | None) -> None:
        before = self._counts(kind, entry_id)
        if payload is not None:
            layer.setdefault(kind, {})[entry_id] = payload
        elif kind in layer:
            layer[kind].pop(entry_id, None)
        after = self._counts(kind, entry_id)
        subscriber = self._subscribers.get(kind)
        if subscriber is None or after == before:
            return
        if after is None:
            subscriber.remove(entry_id)
        else:
            subscriber.put(entry_id, after)

    def _counts(self, kind: str, entry_id: str) -> bytes | None:
        """The payload that counts."""
        declared = self._file.get(kind, _NONE).get(entry_id)
        return declared if declared is not None else self._store.get(kind, _NONE).get(entry_id)


def _raise_first(wrong: list[ValueError]) -> None:
    if wrong:
        raise wrong[0]


def _differences(before: Entries, after: Entries) -> Iterator[_Change]:
    """What has to be set, one after the other, to get from `before`, to which it is done meanwhile, to `after`."""
    for kind, entries in after.items():
        had = before.setdefault(kind, {})
        for entry_id, payload in entries.items():
            if had.get(entry_id) != payload:
                yield kind, entry_id, payload
    for kind in tuple(before):
        has = after.get(kind, _NONE)
        for entry_id in [entry_id for entry_id in before[kind] if entry_id not in has]:
            yield kind, entry_id, None
