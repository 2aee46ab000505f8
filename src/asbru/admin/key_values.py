"""The table `key_values`: the values of virtual keys, as digests. A key has one, and those before it for as long as
the grace period after their rotation lasts, but no longer than that of a later one. And the table `key_identities`:
what tells a key from one that has its name after it. Whoever writes opens the transaction; all raise StorageError.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple, cast

from asbru.storage import Database

KEY_PREFIX = "sk-asb-"


class KeyValue(NamedTuple):
    """`expires_ms`: 0 for the current one; those of a playground key all expire."""

    digest: str
    expires_ms: int


def make_value() -> str:
    """A new value: 192 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(24)


def load_values(database: Database, key_id: str) -> list[KeyValue]:
    """Those of a key, the newest first."""
    rows = database.run(
        "SELECT digest, expires_ms FROM key_values WHERE key_id = ? ORDER BY made_ms DESC, digest", (key_id,)
    )
    return [KeyValue(*cast("tuple[str, int]", row)) for row in rows]


def add_value(database: Database, key_id: str, digest: str, now_ms: int, *, expires_ms: int = 0) -> None:
    """Another one."""
    database.run(
        "INSERT INTO key_values (digest, key_id, made_ms, expires_ms) VALUES (?, ?, ?, ?)",
        (digest, key_id, now_ms, expires_ms),
    )


def expire_values(database: Database, key_id: str, expires_ms: int) -> None:
    """Let all of them expire then, but for those that do so sooner."""
    database.run(
        "UPDATE key_values SET expires_ms = ? WHERE key_id = ? AND (expires_ms = 0 OR expires_ms > ?)",
        (expires_ms, key_id, expires_ms),
    )


def delete_value(database: Database, digest: str) -> None:
    """Forget one."""
    database.run("DELETE FROM key_values WHERE digest = ?", (digest,))


def load_expired(database: Database, now_ms: int, limit: int) -> list[tuple[str, str]]:
    """Digests that have expired, with the ids of their keys, at most `limit`."""
    rows = database.run(
        "SELECT digest, key_id FROM key_values WHERE expires_ms > 0 AND expires_ms <= ? ORDER BY expires_ms LIMIT ?",
        (now_ms, limit),
    )
    return [(str(digest), str(key_id)) for digest, key_id in rows]


def add_identity(database: Database, key_id: str) -> None:
    """Give a new key the identity that no other one has. Keys that are older than this table have none."""
    database.run(
        "INSERT INTO key_identities (key_id, identity) VALUES (?, ?)", (key_id, f"api:{secrets.token_hex(16)}")
    )


def load_identity(database: Database, key_id: str) -> str:
    """That of a key, "" for none."""
    rows = database.run("SELECT identity FROM key_identities WHERE key_id = ?", (key_id,))
    return str(rows[0][0]) if rows else ""


def delete_identity(database: Database, key_id: str) -> None:
    """A key is gone: nobody has its identity."""
    database.run("DELETE FROM key_identities WHERE key_id = ?", (key_id,))
