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

_OF_THE_KEY: Final = frozenset(
    ("insufficient_quota", "billing_error", "billing_hard_limit_reached", "billing_not_active", "usage_limit_reached")
)
"""Words of a 429 that holds for all models of a key. Read 2026-11: https://platform.openai.com/docs/guides/error-codes,
https://docs.anthropic.com/en/api/errors."""

_KEY_REFUSED: Final = ("incorrect api key provided", "api key not valid", "api key expired")
"""How the message of a 400 begins that is about the key. Read 2026-11: https://docs.x.ai/docs/key-information/debugging,
https://ai.google.dev/gemini-api/docs/troubleshooting."""


def refused_status(status: int, message: str) -> int:
    """The status of a refusal: 401 in place of a 400 that is about Asbru's key, not about the caller's request."""
    return 401 if status == 400 and message.lower().startswith(_KEY_REFUSED) else status


def concerns_key(*words: str | int | None) -> bool:
    """Whether one of `words` says that a limit is the key's, not that of a model."""
    return any(isinstance(word, str) and word.lower() in _OF_THE_KEY for word in words)


def status_of(*words: str | int | None) -> int | None:
    """The status that the first of `words` that has one stands for; numbers, also as text, stand for themselves."""
    for word in words:
        text = str(word or "").lower()
        status = int(text) if text.isascii() and text.isdecimal() and len(text) == 3 else _STATUS_OF_WORD.get(text)
        if status is not None and 400 <= status <= 599:
            return status
    return None
