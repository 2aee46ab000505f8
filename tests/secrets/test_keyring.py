"""Where the keys come from."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from asbru.secrets import KEY_VARIABLE, KeyringError, load_keyring, load_object_keys, make_key, save_keyring


def test_a_file_is_made_at_first_use(tmp_path: Path) -> None:
    """0600, and the same key from then on."""
    first = load_keyring(tmp_path, {})
    assert (tmp_path / "seal.key").stat().st_mode & 0o777 == 0o600
    assert load_keyring(tmp_path, {}).by_id == first.by_id
    assert [path.name for path in tmp_path.iterdir()] == ["seal.key"]


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    """Several keys, the first one seals; no file is made."""
    keys = [make_key(), make_key()]
    keyring = load_keyring(tmp_path, {KEY_VARIABLE: ", ".join(base64.b64encode(key).decode() for key in keys)})
    assert keyring.current == keys[0] and list(keyring.by_id.values()) == keys
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["short", "x" * 44, base64.b64encode(b"x" * 16).decode(), ","])
def test_what_is_no_key_is_refused(tmp_path: Path, given: str) -> None:
    """The message says what is expected, and repeats nothing."""
    with pytest.raises(KeyringError, match="32 bytes in base64") as refused:
        load_keyring(tmp_path, {KEY_VARIABLE: given})
    assert given not in str(refused.value).replace("keys,", "")


def test_a_damaged_file_is_never_replaced(tmp_path: Path) -> None:
    """An empty file is an error: a new key in its place would open nothing."""
    (tmp_path / "seal.key").write_text("")
    with pytest.raises(KeyringError, match="restore it"):
        load_keyring(tmp_path, {})
    with pytest.raises(KeyringError, match="No such file"):
        load_keyring(tmp_path / "none", {})


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new keys in their order; a keyring does not print them."""
    keys = [make_key(), make_key()]
    load_keyring(tmp_path, {})
    save_keyring(tmp_path, keys)
    keyring = load_keyring(tmp_path, {})
    assert list(keyring.by_id.values()) == keys
    assert base64.b64encode(keys[0]).decode() not in repr(keyring)


def test_ids_have_keys_of_their_own(tmp_path: Path) -> None:
    """In another file, which new keys for secrets leave as it is; the environment goes before it."""
    keys = load_object_keys(tmp_path, {})
    assert (tmp_path / "object.key").stat().st_mode & 0o777 == 0o600
    save_keyring(tmp_path, [make_key()])
    assert load_object_keys(tmp_path, {}) == keys
    given = [make_key(), make_key()]
    env = {"ASBRU_OBJECT_KEY": ",".join(base64.b64encode(key).decode() for key in given)}
    assert load_object_keys(tmp_path, env) == tuple(given)
    with pytest.raises(KeyringError, match="ASBRU_OBJECT_KEY"):
        load_object_keys(tmp_path, {"ASBRU_OBJECT_KEY": "short"})
