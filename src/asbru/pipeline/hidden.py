"""Credentials of providers are hidden wherever a provider's words are passed on: some servers, and proxies before them,
quote what they were shown when they refuse it.

Hidden are the secrets of all keys of the provider and the tokens made of them, also where JSON escapes a slash, and any
word that begins as a long one does, for a message may cut it. Not here: what a provider says that is no error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from asbru.core.errors import AsbruError, UpstreamError
from asbru.pipeline.call import Attempt

MASK: Final = "[hidden]"
SECRET_CHARS_MIN: Final = 8
"""A shorter value ("none", "EMPTY") stands in for a key where none is needed, and may be a word."""
_BEGINNING_CHARS: Final = 12
_CUT_CHARS_MIN: Final = 24
"""From this length on a secret is known by its beginning."""


def hide_credentials(made: Attempt, error: AsbruError) -> None:
    """Hide what `made` may have shown to the provider in all that the error says."""
    if not isinstance(error, UpstreamError):
        return
    secrets = [*_secrets(made)]
    error.message = hide(error.message, secrets)
    error.detail = hide(error.detail, secrets)
    for name in ("code", "type", "param"):
        word = getattr(error, name)
        if isinstance(word, str):
            setattr(error, name, hide(word, secrets))
    if error.body is not None:
        error.body = _hide_bytes(error.body, secrets)
    if error.lines:
        error.lines = _hide_bytes(error.lines, secrets)


def hide_in_words(made: Attempt, words: str) -> str:
    """The same for the words of an error inside a stream."""
    return hide(words, [*_secrets(made)])


def hide_in_events(made: Attempt, events: bytes) -> bytes:
    """The same for events of a stream, one of which is an error."""
    return _hide_bytes(events, [*_secrets(made)])


def hide(words: str, secrets: list[str]) -> str:
    """`words` without `secrets`."""
    for secret in secrets:
        if words.find(_sure(secret)) >= 0:
            words = re.sub(_expression(secret), MASK, words)
    return words


def _hide_bytes(data: bytes, secrets: list[str]) -> bytes:
    for secret in secrets:
        if data.find(_sure(secret).encode("utf-8", "replace")) >= 0:
            data = re.sub(_expression(secret).encode("utf-8", "replace"), MASK.encode(), data)
    return data


def _sure(secret: str) -> str:
    """What of the beginning stands as it is wherever the secret does."""
    return secret[:_BEGINNING_CHARS].partition("/")[0]


def _expression(secret: str) -> str:
    begins = secret[:_BEGINNING_CHARS] if len(secret) >= _CUT_CHARS_MIN else secret
    spelled = r"\\?/".join(re.escape(part) for part in begins.split("/"))
    return spelled + r"[\w\-.~+/=\\]*+" if begins is not secret else spelled


def _secrets(made: Attempt) -> Iterator[str]:
    """The key's value where it is known, and each word of the header lines that present it."""
    for key in (made.key, *made.endpoint.route.keys):
        lines = key.credential.shown().decode("latin-1")
        words = (word for line in lines.split("\r\n") for word in line.partition(":")[2].split())
        yield from (word for word in (key.secret, *words) if len(word) >= SECRET_CHARS_MIN)
