"""Secrets in the database, and sealing them anew while others write."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from asbru.secrets import Keyring, SealError, SecretStore, load_keyring, make_key, rekey, save_keyring
from asbru.storage import Database, open_database, sqlite_url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open one."""
    one = open_database(sqlite_url(tmp_path / "x.sqlite"))
    yield one
    one.close()


def test_secrets_of_an_object(database: Database) -> None:
    """They are replaced together, read by field, and gone when they are deleted; none is stored in clear."""
    store, keyring = SecretStore(database), Keyring([make_key()])
    store.save(keyring, "provider", "acme", {"keys.a.value": "sk-a", "proxy": "p"})
    store.save(keyring, "provider", "other", {"proxy": "q"})
    store.save(keyring, "provider", "acme", {"keys.a.value": "sk-b"})
    assert store.load(keyring, "provider", "acme") == {"keys.a.value": "sk-b"}
    assert "sk-b" not in repr(database.run("SELECT * FROM secrets"))
    store.delete("provider", "acme")
    assert store.load(keyring, "provider", "acme") == {}
    assert store.load(keyring, "provider", "other") == {"proxy": "q"}


def test_a_row_that_was_moved_does_not_open(database: Database) -> None:
    """A secret copied to another object, or whose key is not given, is an error that names it."""
    store, keyring = SecretStore(database), Keyring([make_key()])
    store.save(keyring, "provider", "acme", {"proxy": "p"})
    with pytest.raises(SealError, match="not among those given"):
        store.load(Keyring([make_key()]), "provider", "acme")
    database.run("UPDATE secrets SET id = 'mine'")
    with pytest.raises(SealError, match=r"provider\.mine\.proxy"):
        store.load(keyring, "provider", "mine")


def test_rekeying_ends_with_one_new_key(database: Database, tmp_path: Path) -> None:
    """Every secret is sealed with the new key, the old one is forgotten, and all can still be read."""
    store = SecretStore(database)
    old = load_keyring(tmp_path, {})
    for number in range(250):
        store.save(old, "provider", f"p{number}", {"proxy": f"s{number}"})
    load = lambda: load_keyring(tmp_path, {})  # noqa: E731  # read again and again
    assert rekey(database, load, lambda keys: save_keyring(tmp_path, keys)) == 250
    new = load()
    assert len(new.by_id) == 1 and new.current_id != old.current_id
    assert [store.load(new, "provider", f"p{number}") for number in (0, 249)] == [{"proxy": "s0"}, {"proxy": "s249"}]


def test_an_interrupted_rekeying_loses_nothing(database: Database, tmp_path: Path) -> None:
    """Whenever the process dies, every secret opens with the keys of the file; another run finishes it."""
    store = SecretStore(database)
    load = lambda: load_keyring(tmp_path, {})  # noqa: E731  # read again and again
    for number in range(150):
        store.save(load(), "provider", f"p{number}", {"proxy": f"s{number}"})
    for dies_at in range(1, 6):
        calls = 0

        def dying(at: int = dies_at) -> Keyring:
            nonlocal calls
            calls += 1
            if calls == at:
                raise KeyboardInterrupt
            return load()

        with contextlib.suppress(KeyboardInterrupt):
            rekey(database, dying, lambda keys: save_keyring(tmp_path, keys))
        assert all(store.load(load(), "provider", f"p{number}") == {"proxy": f"s{number}"} for number in range(150))
    rekey(database, load, lambda keys: save_keyring(tmp_path, keys))
    assert len(load().by_id) == 1


def test_keys_of_the_environment_are_not_replaced(database: Database) -> None:
    """Everything is sealed with the first of them."""
    store, keys = SecretStore(database), [make_key(), make_key()]
    store.save(Keyring(keys[1:]), "provider", "acme", {"proxy": "p"})
    assert rekey(database, lambda: Keyring(keys), None) == 1
    assert store.load(Keyring(keys[:1]), "provider", "acme") == {"proxy": "p"}
