"""The data directory's own secrets: the pepper of key digests, and the key generated for a listener without any; and
whether the database ever held a key.

The directory is 0700 and its files 0600. Of the generated key only the digest is kept: it is shown once.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from asbru.core.secret_text import SecretText
from asbru.governance import digest_of

PEPPER_BYTES = 32
KEY_PREFIX = "sk-asb-"
_PEPPER_FILE = "pepper"
_GENERATED_FILE = "generated-key.digest"
KEYS_FILE = "virtual-keys-were-stored"
"""There once the database has held a virtual key, which a database that is removed or damaged does not tell."""


def ensure_data_dir(path: Path) -> Path:
    """`path`, created for its owner alone when it is missing."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True)
    return path


def load_pepper(data_dir: Path) -> bytes:
    """The secret under which keys are hashed; made on first use. Raises ValueError when the file is damaged."""
    pepper = _load_or_create(data_dir / _PEPPER_FILE, secrets.token_bytes(PEPPER_BYTES))
    if len(pepper) != PEPPER_BYTES:
        raise ValueError(f"{data_dir / _PEPPER_FILE} is damaged: {len(pepper)} bytes, expected {PEPPER_BYTES}")
    return pepper


def new_virtual_key() -> str:
    """`sk-asb-` and 32 random characters (192 bits)."""
    return KEY_PREFIX + secrets.token_urlsafe(24)


def generated_key(data_dir: Path, pepper: bytes) -> tuple[str, SecretText | None]:
    """The digest (hex) of the generated key, and the key itself the one time it is made."""
    path = data_dir / _GENERATED_FILE
    value = new_virtual_key()
    fresh = bytes.fromhex(digest_of(value.encode(), pepper))
    digest = _load_or_create(path, fresh)
    if len(digest) != len(fresh):
        raise ValueError(f"{path} is damaged; remove it, and Asbru generates a new key")
    return digest.hex(), SecretText(value) if digest == fresh else None


def had_stored_keys(data_dir: Path) -> bool:
    """Whether the database has ever held a virtual key."""
    return (data_dir / KEYS_FILE).exists()


def remember_stored_keys(data_dir: Path) -> None:
    """The database holds a virtual key."""
    if not had_stored_keys(data_dir):
        write_private(data_dir / KEYS_FILE, b"Remove this file to let calls in without a virtual key again.\n")


def write_private(path: Path, data: bytes) -> None:
    """Write a 0600 file whole: readers see the old content or the new, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _load_or_create(path: Path, content: bytes) -> bytes:
    """The file's content; of several processes that create it at once, one wins and all read the winner's."""
    if not path.exists():
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        write_private(beside, content)
        try:
            os.link(beside, path)
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return path.read_bytes()
