"""Virtual keys by name and by identity: administrators name keys, authorizations belong to identities.

A name may be given again after its key was deleted; an identity never is, so a new key has nothing of the old one's.
Keys of the file come with a snapshot, those of the management API stand in the feed of the database.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from asbru.app.paths import declared_file
from asbru.cluster import read_entries, stored
from asbru.governance import VIRTUAL_KEY
from asbru.governance.entries import KeyEntry
from asbru.storage import Database
from asbru.telemetry import log


class KeyIdentities:
    """See the module. Raises StorageError where the database cannot be read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._file: dict[str, str] = {}

    def take_file(self, snapshot: Path) -> None:
        """Know the keys that were compiled together with a snapshot."""
        try:
            payloads = read_entries(declared_file(snapshot).read_bytes()).get(VIRTUAL_KEY, {})
            self._file = _identities(payloads)
        except (OSError, ValueError) as error:
            log("error", "the tools process cannot read the virtual keys of the configuration file", why=error)

    def of(self, name: str) -> str | None:
        """The identity of the key that has a name; None: there is no such key."""
        return self._all().get(name)

    def names(self) -> dict[str, str]:
        """The names of keys by identity."""
        return {identity: name for name, identity in self._all().items()}

    def _all(self) -> dict[str, str]:
        return {**_identities(stored.read_kind(self._database, VIRTUAL_KEY)), **self._file}


def _identities(payloads: dict[str, bytes]) -> dict[str, str]:
    entries = (msgspec.msgpack.decode(payload, type=KeyEntry) for payload in payloads.values())
    return {entry.name: entry.identity or entry.name for entry in entries}
