"""The table `secrets`: the secrets of an object by field, sealed.

Whoever writes opens the transaction, and gives a keyring that was loaded inside of it: `rekey` forgets a key in a
transaction too, so that nobody seals with a key that is gone. All raise StorageError, and SealError where they open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from asbru.secrets.keyring import Keyring, make_key
from asbru.secrets.seal import SealError, open_sealed, seal
from asbru.storage import Database

REKEY_STEP_MAX = 100
"""Secrets sealed anew in one transaction."""


class SecretStore:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, keyring: Keyring, kind: str, object_id: str) -> dict[str, str]:
        """The secrets of an object by field, in clear."""
        rows = self._database.run(
            "SELECT field, key_id, sealed FROM secrets WHERE kind = ? AND id = ?", (kind, object_id)
        )
        return {
            str(field): _open(keyring, str(key_id), (kind, object_id, str(field)), cast("bytes", sealed))
            for field, key_id, sealed in rows
        }

    def save(self, keyring: Keyring, kind: str, object_id: str, secrets: dict[str, str]) -> None:
        """Make these the secrets of an object."""
        self.delete(kind, object_id)
        self._database.run_many(
            "INSERT INTO secrets (kind, id, field, key_id, sealed) VALUES (?, ?, ?, ?, ?)",
            [
                (kind, object_id, field, keyring.current_id, _seal(keyring, (kind, object_id, field), secret))
                for field, secret in secrets.items()
            ],
        )

    def delete(self, kind: str, object_id: str) -> None:
        """Forget the secrets of an object."""
        self._database.run("DELETE FROM secrets WHERE kind = ? AND id = ?", (kind, object_id))


def rekey(database: Database, load: Callable[[], Keyring], replace: Callable[[list[bytes]], None] | None) -> int:
    """Seal every secret with a new key, while others read and write; how many there were.

    `load` gives the keys as they are now, `replace` makes these the keys. None: they are not ours to replace (they come
    from the environment), and everything is sealed with the first of them. An interrupted run is finished by the next.
    """
    if replace is not None:
        with database.transaction():
            replace([make_key(), *load().by_id.values()])
    count = 0
    while step := _rekey_step(database, load):
        count += step
    if replace is not None:
        # Everything is committed by now, and who has written since the first step has done so with the new key.
        with database.transaction():
            replace([load().current])
    return count


def _rekey_step(database: Database, load: Callable[[], Keyring]) -> int:
    with database.transaction():
        return _reseal(database, load())


def _reseal(database: Database, keyring: Keyring) -> int:
    rows = database.run(
        "SELECT kind, id, field, key_id, sealed FROM secrets WHERE key_id <> ? LIMIT ?",
        (keyring.current_id, REKEY_STEP_MAX),
    )
    for kind, object_id, field, key_id, sealed in rows:
        place = (str(kind), str(object_id), str(field))
        secret = _open(keyring, str(key_id), place, cast("bytes", sealed))
        database.run(
            "UPDATE secrets SET key_id = ?, sealed = ? WHERE kind = ? AND id = ? AND field = ?",
            (keyring.current_id, _seal(keyring, place, secret), *place),
        )
    return len(rows)


def _seal(keyring: Keyring, place: tuple[str, str, str], secret: str) -> bytes:
    return seal(keyring.current, ("secrets", *place, "sealed"), secret)


def _open(keyring: Keyring, key_id: str, place: tuple[str, str, str], sealed: bytes) -> str:
    key = keyring.by_id.get(key_id)
    if key is None:
        raise SealError(f"{'.'.join(place)}: sealed with key {key_id}, which is not among those given")
    return open_sealed(key, ("secrets", *place, "sealed"), sealed)
