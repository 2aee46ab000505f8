"""The tree of errors: what each leaf tells the door, so that the tree in the docstring stays true."""

from __future__ import annotations

import pytest

from asbru.core import errors
from asbru.core.errors import AsbruError, BudgetExceeded, CallerError, GatewayError, UpstreamError

STATUSES = {
    "BadRequest": 400,
    "UnsupportedByProvider": 400,
    "Unauthenticated": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "RequestTimeout": 408,
    "TooLarge": 413,
    "UpgradeRequired": 426,
    "HeadTooLarge": 431,
    "PriceUnknown": 403,
    "BudgetExceeded": 402,
    "RateLimited": 429,
    "Overloaded": 503,
    "LedgerAway": 503,
    "GatewayError": 500,
    "UpstreamError": 502,
}
OWN_WORDS: dict[type[AsbruError], tuple[str, ...]] = {
    errors.GuardrailBlocked: ("a rule", "input", "a key"),
    errors.GuardrailUnavailable: ("a rule", "pii", "hangs"),
}
"""Errors that make their message of what they are given."""
LEAVES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AsbruError)]


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_each_error_has_its_status(name: str, status: int) -> None:
    """The statuses that the tree draws."""
    assert getattr(errors, name)("x").status == status


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_every_error_says_who_is_to_blame(kind: type[AsbruError]) -> None:
    """Blame follows the branch; a code is a word for machines; a message is what `str` gives."""
    error = kind(*OWN_WORDS.get(kind, ("what was expected",)))
    blame = "caller" if issubclass(kind, CallerError) else "upstream" if issubclass(kind, UpstreamError) else "us"
    assert error.blame == blame
    assert error.code.replace("_", "").isalnum() and error.code.islower()
    assert str(error) == error.message
    assert error.message == "what was expected" or kind in OWN_WORDS
    assert error.param is None and error.retry_after_s is None


def test_what_is_told_overrides_what_is_usual() -> None:
    """Status, code, type, parameter and Retry-After can be given, on the instance only."""
    error = GatewayError("x", status=507, code="full", type="odd", param="p", retry_after_s=2.5)
    assert (error.status, error.code, error.type, error.param, error.retry_after_s) == (507, "full", "odd", "p", 2.5)
    assert GatewayError("y").status == 500


def test_an_upstream_error_keeps_what_the_provider_said() -> None:
    """Kind, body, type and dialect are kept for callers of the same dialect."""
    error = UpstreamError("x", kind="fault", body=b"{}", content_type=b"application/json", dialect="openai_chat")
    assert (error.kind, error.body, error.content_type, error.dialect) == (
        "fault",
        b"{}",
        b"application/json",
        "openai_chat",
    )
    assert UpstreamError("x").kind == "status"


def test_a_limit_that_is_reached_tells_its_amounts() -> None:
    """Owner, amounts and the time of the reset are fields, for refusals in any shape."""
    error = BudgetExceeded("x", owner="team/blue", metric="cost", amount=5, spent=4, resets_at_ms=9, retry_after_s=1)
    assert (error.owner, error.metric, error.amount, error.spent) == ("team/blue", "cost", 5, 4)
    assert (error.resets_at_ms, error.retry_after_s) == (9, 1)
