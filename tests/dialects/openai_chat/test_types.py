"""The wire structs tolerate what they do not know and are strict about what they do."""

from __future__ import annotations

import msgspec
import pytest

from asbru.dialects.openai_chat.types import NULL, Envelope, UsageWire


def test_raw_members_default_to_null() -> None:
    """A raw member that is absent reads as null, since msgspec takes Raw only alone."""
    envelope = msgspec.json.decode(b'{"x":1}', type=Envelope)
    assert (envelope.usage, envelope.error) == (NULL, NULL)


def test_numbers_are_strict() -> None:
    """Text is not taken for a number."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"prompt_tokens":"5"}', type=UsageWire)
