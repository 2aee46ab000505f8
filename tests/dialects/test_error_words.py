"""The status that an error's words stand for."""

from __future__ import annotations

import pytest

from asbru.dialects.error_words import status_of


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), None),
        ((None, "api_error", "server_error", "oops", ""), None),
        ((None, "invalid_request_error"), 400),
        (("InvalidParameter", None), 400),
        (("INVALID_ARGUMENT",), 400),
        (("insufficient_quota", "invalid_request_error"), 429),
        ((503, "invalid_request_error"), 503),
        (("400",), 400),
        ((200, "1400", "\u0664\u0660\u0660", "rate_limit_error"), 429),
    ],
)
def test_words_stand_for_a_status(words: tuple[str | int | None, ...], status: int | None) -> None:
    """The first word with a meaning decides, numbers of errors for themselves, vague words for nothing."""
    assert status_of(*words) == status
