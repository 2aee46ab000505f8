"""Tokens of requests and replies, and what they cost.

A request is the system prompt, a line of JSON for each tool (name, description, schema of its arguments) and a line for
each message. Each line is counted with o200k_base, by the tokenizer that Asbru counts with; marks between lines are not
counted. Providers write requests in other ways; the differences are small beside what is compared.

With prompt caching a request is written to the cache, and the longest request before it that it begins with is read
from it, as Anthropic does with a mark after the tools and one after the last message. All tasks follow each other
within the life of an entry, so tools and system prompt are written once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import toktok  # pyright: ignore[reportMissingTypeStubs] -- typed, but ships no py.typed

ENCODING = "o200k_base"
CACHED_TOKENS_MIN = 1024
"""A request that is shorter is not cached."""


@dataclass(frozen=True)
class Prices:
    """Of a model, in US dollars for a million tokens. https://platform.claude.com/docs/en/about-claude/pricing"""

    model: str = "claude-sonnet-4-6"
    input: float = 3.0
    cache_write: float = 3.75
    cache_read: float = 0.3
    output: float = 15.0


@dataclass
class Tally:
    """What all conversations of one kind used."""

    prices: Prices = field(default_factory=Prices)
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    read_tokens: int = 0
    written_tokens: int = 0

    @property
    def cost(self) -> float:
        """Without prompt caching."""
        return (self.input_tokens * self.prices.input + self.output_tokens * self.prices.output) / 1e6

    @property
    def cost_cached(self) -> float:
        """With prompt caching."""
        plain = self.input_tokens - self.read_tokens - self.written_tokens
        spent = plain * self.prices.input + self.read_tokens * self.prices.cache_read
        return (spent + self.written_tokens * self.prices.cache_write + self.output_tokens * self.prices.output) / 1e6


class Counter:
    """Counts conversations into a tally."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._known: dict[str, int] = {}
        self._prefix: tuple[str, ...] = ()
        self._before = 0

    def count(self, lines: Sequence[str]) -> int:
        """Tokens of lines."""
        new = list({line for line in lines if line not in self._known})
        if new:
            counts: Callable[..., list[int]] = toktok.batch_count
            self._known.update(zip(new, counts(new, ENCODING, threads=1), strict=True))
        return sum(self._known[line] for line in lines)

    def begin(self) -> None:
        """Another conversation: nothing of the one before is read, except the prefix that all have."""
        self._before = 0

    def request(self, prefix: tuple[str, ...], messages: Sequence[str]) -> None:
        """A request: `prefix` is the system prompt and the tools."""
        fixed = self.count(prefix)
        total = fixed + self.count(messages)
        read = max(self._before, fixed if prefix == self._prefix else 0)
        read = read if read >= CACHED_TOKENS_MIN else 0
        written = total - read if total >= CACHED_TOKENS_MIN else 0
        self._before, self._prefix = total, prefix
        tally = self.tally
        tally.requests += 1
        tally.input_tokens += total
        tally.read_tokens += read
        tally.written_tokens += written

    def reply(self, lines: Sequence[str]) -> None:
        """What the model wrote."""
        self.tally.output_tokens += self.count(lines)
