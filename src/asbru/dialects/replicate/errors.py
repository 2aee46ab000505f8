"""Errors of Replicate: `{"title", "detail", "status"}`, and predictions that failed.

Source: https://replicate.com/docs/reference/http
"""

from __future__ import annotations

from asbru.core.errors import UpstreamError
from asbru.dialects import openai_errors
from asbru.dialects.replicate.types import FAILED, NAME, read_prediction

_WORDS_MAX = 2_000


def read_error(status: int, body: bytes) -> UpstreamError:
    """A provider's error response; never fails, whatever the bytes."""
    return openai_errors.read_error(NAME, status, body)


def error_inside(body: bytes) -> UpstreamError | None:
    """The error of a prediction that failed; None for any other."""
    found = read_prediction(body)
    if found is None or found.status not in FAILED:
        return None
    said = found.error if isinstance(found.error, str) and found.error else f"the prediction {found.status}"
    return UpstreamError(said[:_WORDS_MAX], kind="fault", status=502, code="upstream_fault", body=body, dialect=NAME)
