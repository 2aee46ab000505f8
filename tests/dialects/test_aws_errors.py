"""Errors of AWS: where their names stand, which of them mean a stale credential, and what callers' errors become."""

from __future__ import annotations

import json

import pytest

from asbru.core.errors import BudgetExceeded, Forbidden, Overloaded, UpstreamError
from asbru.dialects import aws_errors

NAME = "bedrock_converse"


@pytest.mark.parametrize(
    ("header", "name", "stale"),
    [
        ("ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/", "ThrottlingException", False),
        ("com.amazon.coral#ExpiredTokenException", "ExpiredTokenException", True),
        ("UnrecognizedClientException", "UnrecognizedClientException", True),
        ("", "AccessDeniedException", False),
    ],
)
def test_the_header_names_the_error(header: str, name: str, stale: bool) -> None:
    """Without its namespace and the address after it; expired and unknown tokens may be fetched anew."""
    error = aws_errors.name_error(aws_errors.read_error(NAME, 403, b'{"message": "no"}'), header)
    assert (error.type, error.code, error.stale_key) == (name, name, stale)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (BudgetExceeded("spent"), "AccessDeniedException"),
        (Forbidden("no"), "AccessDeniedException"),
        (Overloaded("busy"), "ServiceUnavailableException"),
        (UpstreamError("slow down", status=429, type="rate_limit_error"), "ThrottlingException"),
        (UpstreamError("gone", status=418), "ValidationException"),
        (UpstreamError("cut", kind="cut"), "InternalServerException"),
    ],
)
def test_errors_become_exceptions_of_the_service(error: Exception, name: str) -> None:
    """By their status; the words stay."""
    body = json.loads(aws_errors.write_error(NAME, error))
    assert body == {"__type": name, "message": str(error)}
