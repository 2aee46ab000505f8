"""A secret that does not print itself."""

from __future__ import annotations

from asbru.core.secret_text import SecretText

SECRET = SecretText("sk-very-secret")


def test_a_secret_does_not_print() -> None:
    """No way of turning it into text shows it; `reveal` does."""
    shown = f"{SECRET} {SECRET!r} {SECRET!s} {[SECRET]} {(SECRET,)!r} {SECRET!s:>40}"
    assert "very" not in shown
    assert SECRET.reveal() == "sk-very-secret"


def test_secrets_compare_by_value() -> None:
    """Equal secrets are equal and hash alike; text is never equal to a secret."""
    assert SecretText("sk-very-secret") == SECRET
    assert hash(SecretText("sk-very-secret")) == hash(SECRET)
    assert SecretText("other") != SECRET
    assert SECRET != "sk-very-secret"


def test_a_secret_has_no_other_way_in() -> None:
    """There is no attribute dictionary that a dump of objects would walk."""
    assert not hasattr(SECRET, "__dict__")
