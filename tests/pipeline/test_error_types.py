"""Types of errors: a closed list that every error of the tree is mapped to."""

from __future__ import annotations

from inspect import signature

import pytest

from asbru.core import errors
from asbru.core.errors import AsbruError, UpstreamError
from asbru.pipeline.error_types import attempt_type, error_type
from asbru.telemetry.names import ERROR_TYPES


def classes(root: type[AsbruError]) -> list[type[AsbruError]]:
    """An error and all below it, in the tree itself."""
    below = [one for one in root.__subclasses__() if one.__module__ == errors.__name__]
    return [root, *(found for one in below for found in classes(one))]


@pytest.mark.parametrize("kind", classes(AsbruError), ids=lambda kind: kind.__name__)
def test_every_error_has_a_type(kind: type[AsbruError]) -> None:
    """Each class of the tree, with what it needs to say its message."""
    words = [
        "x"
        for one in signature(kind).parameters.values()
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    assert error_type(kind(*words), "error") in ERROR_TYPES


@pytest.mark.parametrize("kind", ["status", "fault", "network", "protocol", "deadline", "cut", "exhausted"])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 402, 403, 404, 408, 418, 429, 500, 503, 504, 529, 999])
def test_every_upstream_error_has_a_type(kind: str, status: int) -> None:
    """Whatever a provider answers; the error of a call and that of its attempt have one type."""
    found = error_type(UpstreamError("x", kind=kind, status=status, code="anything"), "error")
    assert found in ERROR_TYPES
    assert found.startswith("upstream_")
    assert attempt_type(kind, status) == found


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.Unauthenticated("x"), "authentication"),
        (errors.Forbidden("x", code="model_not_allowed"), "permission"),
        (errors.BudgetExceeded("x"), "budget"),
        (errors.RateLimited("x"), "rate_limit"),
        (errors.Overloaded("x"), "overloaded"),
        (errors.GatewayError("x"), "internal"),
        (errors.TooLarge("x"), "invalid_request"),
    ],
)
def test_types_of_refusals(error: AsbruError, expected: str) -> None:
    """What Asbru refuses by itself."""
    assert error_type(error, "refused") == expected


def test_calls_without_an_error() -> None:
    """A good call has no type; a caller who left has one."""
    assert error_type(None, "ok") == ""
    assert error_type(None, "cancelled") == attempt_type("cancelled", 0) == "cancelled"
    assert attempt_type("ok", 200) == ""
    assert attempt_type("rate_limit_exceeded", 429) == "refused"
