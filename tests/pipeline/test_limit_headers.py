"""Headers that tell callers of their limits: whose, in which form, and that the provider's do not contradict."""

from __future__ import annotations

from typing import Any

import pytest

from asbru.core.errors import BudgetExceeded, RateLimited
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as OPENAI
from asbru.governance import Caller
from asbru.governance.entries import KeyEntry
from asbru.governance.standing import Standing, Used
from asbru.pipeline import limit_headers
from asbru.pipeline.call import Call
from asbru.pipeline.limit_headers import FRESH_S, LimitHeaderLines, write_lines

NOW_S = 1_000.0
STANDINGS = (
    Standing("key/svc", "key/svc/requests/1m", "requests", "1m", amount=60, spent=10),
    Standing("team/blue", "team/blue/requests/1m", "requests", "1m", amount=100, spent=90),
    Standing("team/blue", "team/blue/input_tokens/1d", "input_tokens", "1d", 1000, 1500, resets_at_ms=1_090_000),
    Standing("key/svc", "key/svc/cost/1M", "cost", "1M", amount=50_000_000_000, spent=0),
    Standing("team/blue", "team/blue/cost/1M", "cost", "1M", 1_500_000_000, 300_000_500, resets_at_ms=1_090_000),
)
PROVIDERS = (
    b"X-RateLimit-Limit-Requests: 9\r\nrequest-id: r\r\nanthropic-ratelimit-tokens-reset: x\r\nx-groq-id: 1\r\n"
)


class Known:
    """Limits as they stand, and how often they were asked for."""

    def __init__(self, **standings: tuple[Standing, ...]) -> None:
        self.standings = standings
        self.asked = 0

    def room(self, owner: str) -> bool:
        raise AssertionError(owner)

    def used(self, caller: str) -> Used:
        raise AssertionError(caller)

    def standing(self, caller: str) -> tuple[Standing, ...]:
        self.asked += 1
        return self.standings.get(caller, ())

    def refresh(self, caller: str) -> None:
        raise AssertionError(caller)


def call(name: str | None = "svc", dialect: Any = OPENAI) -> Call:
    """A call of this caller."""
    nobody: Any = None
    made = Call("openai", dialect.operation("chat"), dialect, b"", nobody)
    made.caller = None if name is None else Caller(KeyEntry(name, ("*",)))
    return made


def test_openai_callers_read_the_fullest_limit_of_each_sort() -> None:
    """Under OpenAI's names, with durations; kinds that these have no name for are not told."""
    assert write_lines(STANDINGS, OPENAI, NOW_S) == (
        b"x-ratelimit-limit-requests: 100\r\nx-ratelimit-remaining-requests: 10\r\n"
        b"x-asbru-budget-limit: 1.500000\r\nx-asbru-budget-remaining: 1.199999\r\nx-asbru-budget-owner: team/blue\r\n"
        b"x-asbru-budget-reset: 1970-01-01T00:18:10Z\r\n"
    )
    tokens = Standing("key/svc", "id", "tokens", "1d", 10, 0, resets_at_ms=1_090_000)
    assert b"x-ratelimit-reset-tokens: 90s\r\n" in write_lines([tokens], OPENAI, NOW_S)


def test_anthropic_callers_read_theirs() -> None:
    """Under Anthropic's names, with times; nothing remains of a limit that was lowered below what is used."""
    lines = write_lines(STANDINGS, ANTHROPIC, NOW_S)
    assert b"anthropic-ratelimit-requests-remaining: 10\r\n" in lines
    assert (
        b"anthropic-ratelimit-input-tokens-limit: 1000\r\nanthropic-ratelimit-input-tokens-remaining: 0\r\n" in lines
    )
    assert b"anthropic-ratelimit-input-tokens-reset: 1970-01-01T00:18:10Z\r\n" in lines


def test_the_provider_s_limits_give_way() -> None:
    """They are about Asbru's own key; what else the provider says stays."""
    lines = LimitHeaderLines(Known(svc=STANDINGS), lambda: NOW_S).put(call(), PROVIDERS)
    assert lines.startswith(b"request-id: r\r\nx-groq-id: 1\r\nx-ratelimit-limit-requests: 100\r\n")
    assert b"tokens-reset: x" not in lines


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (b"x-ratelimit-limit-tokens: 1\r\nX-RateLimit-Remaining-Tokens: 1\r\n", b""),
        (
            b"openai-note: see x-ratelimit-reset\r\nx-ratelimit-reset-tokens: 1s\r\n",
            b"openai-note: see x-ratelimit-reset\r\n",
        ),
        (b"request-id: a\r\nx-other-ratelimit-x: 1\r\n", b"request-id: a\r\nx-other-ratelimit-x: 1\r\n"),
    ],
)
def test_only_whole_lines_give_way(lines: bytes, kept: bytes) -> None:
    """Headers of the provider's limits, in any spelling; not others that name them, in their values or names."""
    made = LimitHeaderLines(Known(svc=STANDINGS), lambda: NOW_S)
    assert made.put(call(), lines) == kept + write_lines(STANDINGS, OPENAI, NOW_S)


@pytest.mark.parametrize("name", [None, "free"])
def test_callers_without_limits_are_told_nothing(name: str | None) -> None:
    """Nor whoever is refused before it is known; the provider's own lines go through."""
    assert LimitHeaderLines(Known(svc=STANDINGS), lambda: NOW_S).put(call(name), PROVIDERS) == PROVIDERS


def test_lines_are_kept_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under load they are not made for each call; each surface has its own, and their number is bounded."""
    monkeypatch.setattr(limit_headers, "KEPT_MAX", 3)
    now_s = [NOW_S]
    known = Known(svc=STANDINGS)
    lines = LimitHeaderLines(known, lambda: now_s[0])
    assert {lines.put(call(), b"") for _ in range(5)} == {write_lines(STANDINGS, OPENAI, NOW_S)}
    assert known.asked == 1
    assert lines.put(call(dialect=ANTHROPIC), b"") == write_lines(STANDINGS, ANTHROPIC, NOW_S)
    now_s[0] += FRESH_S
    known.standings = {}
    assert lines.put(call(), b"") == b""
    now_s[0] -= 1  # a clock that was set back
    known.standings = {"svc": STANDINGS}
    assert lines.put(call(), b"") != b""
    for number in range(10):
        lines.put(call(f"k{number}"), b"")
    assert len(lines._kept) <= 3  # pyright: ignore[reportPrivateUsage] -- its bound is what is tested


def test_a_refusal_shows_the_limit_that_refused() -> None:
    """As it stood when it did, whatever was told a moment ago and whichever limit is fuller; of other sorts the fullest
    as ever. The next call is told what the worker knows."""
    limits = LimitHeaderLines(Known(svc=STANDINGS), lambda: NOW_S)
    before = limits.put(call(), b"")
    refused = call()
    refused.error = RateLimited(
        "no", owner="key/svc", metric="requests", amount=60, spent=60, resets_at_ms=1_030_000, retry_after_s=30
    )
    lines = limits.put(refused, b"")
    assert b"x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 0\r\n" in lines
    assert b"x-ratelimit-reset-requests: 30s\r\n" in lines and b"x-asbru-budget-owner: team/blue\r\n" in lines
    refused.error = BudgetExceeded("no", owner="key/svc", metric="cost", amount=50_000_000_000, spent=49_000_000_000)
    lines = limits.put(refused, b"")
    assert b"x-asbru-budget-remaining: 1.000000\r\nx-asbru-budget-owner: key/svc\r\n" in lines
    assert limits.put(call(), b"") == before
