"""The usage of a batch."""

from __future__ import annotations

import msgspec
import pytest

from asbru.core.usage import Usage
from asbru.dialects.openai_chat.stored import read_batch_usage


def _usage(**told: object) -> Usage | None:
    return read_batch_usage(msgspec.json.encode({"object": "batch", "status": "completed", "usage": told}))


def test_usage_is_read_in_disjoint_buckets() -> None:
    """What was cached is no input, reasoning no output; all of it is charged by the tier of batches."""
    told = _usage(
        input_tokens=100,
        output_tokens=30,
        total_tokens=130,
        input_tokens_details={"cached_tokens": 40},
        output_tokens_details={"reasoning_tokens": 10},
    )
    assert told == Usage(input=60, cache_read=40, output=20, reasoning=10, standard=False, tier="batch")
    assert _usage(input_tokens=1, output_tokens=2) == Usage(input=1, output=2, standard=False, tier="batch")


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"input_tokens": 0, "output_tokens": 0},
        {"input_tokens": "7", "output_tokens": 1},
        {"input_tokens": 5, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 6}},
        {"input_tokens": -5, "output_tokens": 1},
    ],
)
def test_what_makes_no_sense_is_unknown(told: dict[str, object]) -> None:
    """As is what is not told yet: OpenAI reports zeros while a batch runs."""
    assert _usage(**told) is None


@pytest.mark.parametrize("body", [b"", b"[]", b'{"usage":null}', b'{"object":"batch"}', b"\xff"])
def test_no_usage_is_none(body: bytes) -> None:
    """A batch that says nothing of it, or is none."""
    assert read_batch_usage(body) is None
