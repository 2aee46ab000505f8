"""The keys under which secrets are sealed. The first one seals; the others open what was sealed before.

    ASBRU_SEAL_KEY     32 bytes in base64, or several joined by commas, the newest first
    DATA_DIR/seal.key  where the variable is not set: the same, a line each; 0600, made at first use

The ids of stored objects (`asbru.stored`) are sealed under keys of their own, likewise in ASBRU_OBJECT_KEY or
object.key: clients keep such ids, so `rekey` leaves these keys as they are.

A key's id is a hash of it, so that a sealed secret says which key opens it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

KEY_VARIABLE = "ASBRU_SEAL_KEY"
KEY_FILE = "seal.key"
OBJECT_KEY_VARIABLE = "ASBRU_OBJECT_KEY"
OBJECT_KEY_FILE = "object.key"
KEY_BYTES = 32


class KeyringError(Exception):
    """The keys cannot be had; the message says what to do, and shows none."""


class Keyring:
    """Keys by their ids, in order."""

    def __init__(self, keys: list[bytes]) -> None:
        self.by_id = {_id_of(key): key for key in keys}
        self.current_id = next(iter(self.by_id))

    @property
    def current(self) -> bytes:
        """The key that seals."""
        return self.by_id[self.current_id]

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.by_id)})"


def make_key() -> bytes:
    """A new key."""
    return os.urandom(KEY_BYTES)


def load_keyring(data_dir: Path, env: Mapping[str, str]) -> Keyring:
    """The keys; a file with one is made where there is none. Raises KeyringError."""
    return _load(data_dir / KEY_FILE, KEY_VARIABLE, env)


def load_object_keys(data_dir: Path, env: Mapping[str, str]) -> tuple[bytes, ...]:
    """Those of the ids of stored objects, likewise."""
    return tuple(_load(data_dir / OBJECT_KEY_FILE, OBJECT_KEY_VARIABLE, env).by_id.values())


def _load(path: Path, variable: str, env: Mapping[str, str]) -> Keyring:
    given = env.get(variable, "")
    if given:
        return _read(given.split(","), variable)
    try:
        if not path.exists():
            _write(path, [make_key()], exclusive=True)
        return _read(path.read_text(encoding="ascii", errors="replace").split(), str(path))
    except OSError as error:
        raise KeyringError(f"{path}: {error.strerror}") from error


def save_keyring(data_dir: Path, keys: list[bytes]) -> None:
    """Replace the file, whole. Raises KeyringError."""
    try:
        _write(data_dir / KEY_FILE, keys, exclusive=False)
    except OSError as error:
        raise KeyringError(f"{data_dir / KEY_FILE}: {error.strerror}") from error


def _read(texts: list[str], where: str) -> Keyring:
    keys: list[bytes] = []
    for text in texts:
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise KeyringError(f"{where}: expected keys of {KEY_BYTES} bytes in base64 (`openssl rand -base64 32`)")
        keys.append(key)
    if not keys:
        raise KeyringError(f"{where} is empty; without its key no secret can be decrypted: restore it from a backup")
    return Keyring(keys)


def _write(path: Path, keys: list[bytes], *, exclusive: bool) -> None:
    """Write it beside and put it in place; of several that make one at once the first wins."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"".join(base64.b64encode(key) + b"\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        if not exclusive:
            beside.replace(path)
            return
        try:
            os.link(beside, path)
        except FileExistsError:
            return
    finally:
        beside.unlink(missing_ok=True)


def _id_of(key: bytes) -> str:
    return hashlib.blake2b(key, digest_size=4, person=b"asbru seal key").hexdigest()
