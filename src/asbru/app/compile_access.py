"""Who may call: the key that Asbru makes where nobody has one, keys to what is stored, and access without any key.

Not here: the virtual keys that a file or the database declares (`compile_governance`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigFile, ConfigRefusedError, Problem
from asbru.app.data_dir import KEYS_FILE, generated_key, had_stored_keys, remember_stored_keys
from asbru.app.stored_objects import Stored
from asbru.cluster import Entries
from asbru.core.secret_text import SecretText
from asbru.governance import VIRTUAL_KEY, write_virtual_key
from asbru.governance.entries import identity_of


def make_key(declared: Entries, pepper: bytes, data_dir: Path, stored: Stored, *, needed: bool) -> SecretText | None:
    """A virtual key of Asbru's own, where one is needed and nobody has one; to be shown when it is made."""
    if stored.has_keys:
        remember_stored_keys(data_dir)
        return None
    if not needed:
        return None
    digest, shown_once = generated_key(data_dir, pepper)
    declared[VIRTUAL_KEY] = {digest: write_virtual_key("generated", ("*",), identity_of(digest))}
    return shown_once


def object_keys(data_dir: Path, env: Mapping[str, str]) -> tuple[SecretText, ...]:
    """What ids of stored objects are sealed with. Raises `ConfigRefusedError`."""
    from asbru.secrets import KeyringError, load_object_keys  # slow to import

    try:
        return tuple(SecretText(key.hex()) for key in load_object_keys(data_dir, env))
    except KeyringError as error:
        raise ConfigRefusedError([Problem((), str(error))]) from error


def is_open(config: ConfigFile, stored: Stored, data_dir: Path, findings: Findings) -> bool:
    """Whether there are no virtual keys, nor have been in the database: one that is lost opens nothing."""
    if config.virtual_keys or stored.has_keys:
        return False
    if not had_stored_keys(data_dir):
        return True
    findings.warn(
        ("virtual_keys",),
        "the database held virtual keys and holds none now, so a key is generated; to let calls in without a key, "
        f"set governance.enforce_auth to false or remove {data_dir / KEYS_FILE}",
    )
    return False


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on `host`. A name that is not plainly local is not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
