"""Usage: the spellings met in the wild, disjoint buckets that add up, and the search in a body's tail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.chat import Raw
from asbru.core.usage import Usage
from asbru.dialects.openai_chat.usage import read_usage, tail_usage, usage_of, write_usage
from asbru.dialects.receipt import Receipt


def read(**members: Any) -> Usage | None:
    return read_usage(Raw(json.dumps(members).encode()))


BASE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, Usage(input=10, output=5, reasoning_known=False)),
        ({"prompt_tokens_details": None}, Usage(input=10, output=5, reasoning_known=False)),
        ({"prompt_tokens_details": {"cached_tokens": 4}},
         Usage(input=6, cache_read=4, output=5, reasoning_known=False)),
        ({"prompt_cache_hit_tokens": 4}, Usage(input=6, cache_read=4, output=5, reasoning_known=False)),
        ({"num_cached_tokens": 4}, Usage(input=6, cache_read=4, output=5, reasoning_known=False)),
        ({"cached_tokens": 4}, Usage(input=6, cache_read=4, output=5, reasoning_known=False)),
        ({"prompt_token_details": {"cached_tokens": 4}},
         Usage(input=6, cache_read=4, output=5, reasoning_known=False)),
        ({"completion_token_details": {"reasoning_tokens": 0}}, Usage(input=10, output=5)),
        ({"completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 1}},
         Usage(input=10, output=2, reasoning=2, audio_output=1)),
        ({"prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2, "audio_tokens": 1}},
         Usage(input=4, cache_read=3, cache_write_5m=2, audio_input=1, output=5, reasoning_known=False)),
        ({"prompt_tokens_details": {"cached_tokens": 99}},
         Usage(cache_read=10, output=5, reasoning_known=False)),
        ({"completion_tokens_details": {"reasoning_tokens": 6}}, Usage(input=10, reasoning=5)),
        ({"total_tokens": 21, "completion_tokens_details": {"reasoning_tokens": 6}},
         Usage(input=10, output=5, reasoning=6)),
    ],
)  # fmt: skip
def test_every_spelling_fills_the_same_buckets(more: dict[str, Any], expected: Usage) -> None:
    """Details of every provider's spelling go to disjoint buckets; surplus is cut, xAI's reasoning is
    added."""
    assert read(**{**BASE, **more}) == expected


@pytest.mark.parametrize("text", ["null", "{}", "[]", '"x"', '{"prompt_tokens":"9"}', '{"total_tokens":9}'])
def test_what_makes_no_sense_is_unknown(text: str) -> None:
    """Usage that is absent or malformed is None, never zeros."""
    assert read_usage(Raw(text.encode())) is None


COUNTS = st.none() | st.integers(min_value=-5, max_value=50)


@given(st.fixed_dictionaries({
    "prompt_tokens": st.integers(0, 50),
    "completion_tokens": st.integers(0, 50),
    "prompt_tokens_details": st.fixed_dictionaries(
        {"cached_tokens": COUNTS, "audio_tokens": COUNTS, "cache_write_tokens": COUNTS}),
    "completion_tokens_details": st.fixed_dictionaries({"reasoning_tokens": COUNTS, "audio_tokens": COUNTS}),
}))  # fmt: skip
def test_buckets_add_up(wire: dict[str, Any]) -> None:
    """Whatever the details say, no bucket is negative and the sums are the provider's totals."""
    usage = read(**wire)
    assert usage is not None
    buckets = (usage.input, usage.cache_read, usage.cache_write_5m, usage.audio_input, usage.output)
    assert min(*buckets, usage.reasoning, usage.audio_output) >= 0
    assert (usage.input_total, usage.output_total) == (wire["prompt_tokens"], wire["completion_tokens"])


def test_written_usage_reads_the_same() -> None:
    """Usage written for a caller keeps the totals and, read again, the buckets."""
    usage = Usage(input=4, cache_read=3, cache_write_5m=2, audio_input=1, output=5, reasoning=6, audio_output=7)
    receipt = Receipt("openai_chat", "anthropic_messages")
    written = write_usage(usage, receipt)
    assert (written["prompt_tokens"], written["completion_tokens"], written["total_tokens"]) == (10, 18, 28)
    assert read(**written) == usage
    unknown = Usage(input=1, output=2, cache_write_1h=3, reasoning_known=False)
    assert receipt.notes == ()
    again = read(**write_usage(unknown, receipt))
    assert again == Usage(input=1, output=2, cache_write_5m=3, reasoning_known=False)
    assert [note.field for note in receipt.notes] == ["usage.cache_write_1h"]


KNOWN = Usage(input=10, output=5, reasoning_known=False)
USAGE = json.dumps(BASE)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f'{{"id":"1","usage":{USAGE}}}', KNOWN),
        (f'{{"id":"1", "usage" : {USAGE}, "service_tier":"default"}}\n', KNOWN),
        (f'{{"usage":{USAGE},"choices":[{{"message":{{"content":"the \\"usage\\": {{}}"}}}}]}}', KNOWN),
        (f'{{"usage":{USAGE},"kind":"usage"}}', KNOWN),
        (f'{{"usage":{USAGE},"by":{{"usage":{{"prompt_tokens":1}}}},"more":[{{"usage":{{}}}}]}}', KNOWN),
        (f'{{"x_groq":{{"id":"r","usage":{USAGE}}}}}', KNOWN),
        (f'{{"x_groq":{{"usage":{USAGE}}},"usage":null}}', KNOWN),
        ('{"choices":[{"message":{"content":"\\"usage\\":{\\"prompt_tokens\\":1}"}}]}', None),
        ('{"by":{"usage":{"prompt_tokens":1}}}', None),
        ('{"usage":null}', None),
        ('{"data":[],"usage":{"prompt_tokens":8,"total_tokens":8}}', Usage(input=8, reasoning_known=False)),
        ("not json \"usage\"", None),
        ("", None),
    ],
)  # fmt: skip
def test_usage_is_found_where_it_is(body: str, expected: Usage | None) -> None:
    """Usage is found last or first in a body; the word inside strings, values and nested objects fools
    nobody."""
    assert usage_of(body.encode()) == expected


def test_a_body_without_its_beginning_tells_usage() -> None:
    """The last bytes of an object are enough, from the key on."""
    body = f'{{"choices":[],"usage":{USAGE},"x":1}}'.encode()
    at = body.index(b'"usage"')
    assert tail_usage(body[at:]) == KNOWN
    assert tail_usage(body[at + 1 :]) is None


def test_embeddings_usage_is_input_only() -> None:
    """An embeddings answer reports prompt tokens alone."""
    body = b'{"object":"list","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":8,"total_tokens":8}}'
    assert usage_of(body) == Usage(input=8, reasoning_known=False)


@pytest.mark.parametrize(
    ("tier", "standard"),
    [(None, True), ("default", True), ("on_demand", True), ("flex", False), ("priority", False), (7, False)],
)
def test_another_tier_has_other_prices(tier: object, standard: bool) -> None:
    """The tier that served decides whether standard prices hold."""
    counts = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    after = usage_of(json.dumps({"id": "c", "usage": counts, "service_tier": tier}).encode())
    assert after is not None and after.standard is standard
