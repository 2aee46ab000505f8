"""The HTTP status that an error's own words stand for, where it came without one: inside a 200 or in a stream.

Providers borrow each other's words, so all dialects read them by one table. A word that says nothing definite
(`api_error`, `server_error`) is not in it: the reader then has its own default. Not here: how an error is written.
"""

from __future__ import annotations

from typing import Final

_STATUS_OF_WORD: Final[dict[str, int]] = {
    "invalid_request_error": 400,
    "invalid_parameter_error": 400,
    "invalidparameter": 400,
    "invalid_argument": 400,
    "context_length_exceeded": 400,
    "string_above_max_length": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""Read 2026-11: https://platform.openai.com/docs/guides/error-codes, https://docs.anthropic.com/en/api/errors,
https://help.aliyun.com/zh/model-studio/error-code (`invalid_parameter_error`, `InvalidParameter`),
https://ai.google.dev/gemini-api/docs/troubleshooting (`INVALID_ARGUMENT`). In lower case."""


def status_of(*words: str | int | None) -> int | None:
    """The status that the first of `words` that has one stands for; numbers, also as text, stand for themselves."""
    for word in words:
        text = str(word or "").lower()
        status = int(text) if text.isascii() and text.isdecimal() and len(text) == 3 else _STATUS_OF_WORD.get(text)
        if status is not None and 400 <= status <= 599:
            return status
    return None
