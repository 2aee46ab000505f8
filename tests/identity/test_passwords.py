"""Passwords."""

from __future__ import annotations

from asbru.identity import hash_password, is_password


def test_only_the_password_fits() -> None:
    """By argon2id, salted; nobody's password is wrong whatever it is, and a damaged hash fits nothing."""
    stored = hash_password("correct horse battery")
    assert stored.startswith("$argon2id$") and stored != hash_password("correct horse battery")
    assert is_password(stored, "correct horse battery")
    for hashed, given in ((stored, "correct horse"), ("", ""), ("", "x"), ("nonsense", "x")):
        assert not is_password(hashed, given)
