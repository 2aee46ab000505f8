"""Secrets: what must be read back, but never from the disk in clear (providers' keys given through the API).

AES-256-GCM under a key of the environment or of a file for its owner alone. It refuses to know what a secret is for,
and what only has to be compared (virtual keys, passwords, tokens), which is hashed elsewhere. Not loaded by workers.
"""

from asbru.secrets.keyring import (
    KEY_VARIABLE,
    Keyring,
    KeyringError,
    load_keyring,
    load_object_keys,
    make_key,
    save_keyring,
)
from asbru.secrets.seal import SealError, open_sealed, seal
from asbru.secrets.store import SecretStore, rekey

__all__ = [
    "KEY_VARIABLE",
    "Keyring",
    "KeyringError",
    "SealError",
    "SecretStore",
    "load_keyring",
    "load_object_keys",
    "make_key",
    "open_sealed",
    "rekey",
    "save_keyring",
    "seal",
]
