"""Passwords: argon2id with the parameters that OWASP recommends (19 MiB, two passes, one lane).

Both take about 20 ms and 19 MiB: they belong in a thread, one at a time.
"""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_CHARS_MIN = 12
PASSWORD_CHARS_MAX = 256

_MEMORY_KIB = 19 * 1024


def hash_password(password: str) -> str:
    """What is stored: algorithm, parameters, salt and hash in one text."""
    return _hasher().hash(password)


def is_password(stored: str, password: str) -> bool:
    """Whether it is the password; as slow where `stored` is "" (no such user), so that time tells nothing."""
    try:
        return _hasher().verify(stored or _nobody(), password) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=_MEMORY_KIB, parallelism=1)


def _nobody() -> str:
    """A hash of the same parameters that no password has."""
    return f"$argon2id$v=19$m={_MEMORY_KIB},t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43
