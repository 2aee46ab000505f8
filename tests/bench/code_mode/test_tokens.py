"""Tokens and what they cost, with and without prompt caching."""

import pytest
from bench.code_mode.tokens import CACHED_TOKENS_MIN, Counter

LONG = "word " * 2_000


def test_a_request_counts_all_its_lines_each_time() -> None:
    """What was sent before is sent again, and counts again."""
    counter = Counter()
    counter.request(("one two",), ["three"])
    counter.request(("one two",), ["three", "four five"])
    counter.reply(["six"])
    tally = counter.tally
    assert (tally.requests, tally.input_tokens, tally.output_tokens) == (2, 3 + 5, 1)
    assert tally.cost == pytest.approx((8 * 3 + 15) / 1e6)
    assert (tally.read_tokens, tally.written_tokens) == (0, 0)
    assert tally.cost_cached == tally.cost


def test_with_caching_what_was_sent_is_read() -> None:
    """Within a conversation all that was sent before is read from the cache; at the beginning of the next one, the
    tools. The rest is written."""
    counter = Counter()
    fixed = counter.count([LONG])
    assert fixed > CACHED_TOKENS_MIN
    counter.request((LONG,), ["one"])
    counter.request((LONG,), ["one", "two"])
    assert counter.tally.read_tokens == fixed + 1
    counter.begin()
    counter.request((LONG,), ["three"])
    assert counter.tally.read_tokens == fixed + 1 + fixed
    assert counter.tally.written_tokens == fixed + 1 + 1 + 1
    plain = counter.tally.input_tokens - counter.tally.read_tokens - counter.tally.written_tokens
    assert plain == 0
