"""Tokens in disjoint buckets: what a call used, and who says so.

The buckets never overlap, so that a price is a plain sum: `input` is what was neither read from nor written to a
prompt cache and is no audio and no image; `output` is no reasoning, no audio and no image. A provider's total is the
sum of its buckets. What a provider did not report is absent (`Usage` is None), never zero.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

UsageSource: TypeAlias = Literal["provider", "estimated", "partial", "none"]
"""Who says so. `partial`: of several attempts some told nothing, so that there may be more."""


Unit: TypeAlias = Literal["image", "second", "character", "page", "search", "request"]
"""What is charged otherwise than by token. Seconds are whole, rounded up; a request is one call, whatever it holds."""

TOKENS_BITS_MAX = 40
"""Bits of a count that may be true. More tokens (a trillion) than any call can have are a provider's mistake, and
unknown."""
_UNITS_MAX = 1_000_000_000
"""The same of a unit."""


class Usage(msgspec.Struct, frozen=True):
    """Token counts in disjoint buckets; every count is >= 0."""

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    audio_input: int = 0
    output: int = 0
    reasoning: int = 0
    audio_output: int = 0
    reasoning_known: bool = True
    """False where the provider does not split reasoning from output: `output` then holds both."""
    standard: bool = True
    """False where the provider charges otherwise than by tokens at its standard prices: another service tier, a fee for
    each use of a tool, a dearer region or speed. What it cost is then unknown, unless the next two say all about it."""
    tier: str = ""
    """The service tier that it was charged by, as the provider calls it, where that is all that is not standard."""
    web_searches: int = 0
    """Searches that cost a fee each, where that (and the tier) is all that is not standard."""
    image_input: int = 0
    image_output: int = 0
    units: tuple[tuple[Unit, int], ...] = ()
    """What is charged by the piece; each unit at most once."""

    @property
    def input_total(self) -> int:
        """All tokens that went in."""
        return (
            self.input
            + self.cache_read
            + self.cache_write_5m
            + self.cache_write_1h
            + self.audio_input
            + self.image_input
        )

    @property
    def output_total(self) -> int:
        """All tokens that came out."""
        return self.output + self.reasoning + self.audio_output + self.image_output

    @property
    def total(self) -> int:
        """Everything the provider counted."""
        return self.input_total + self.output_total

    @property
    def plausible(self) -> bool:
        """Whether every count may be true."""
        return (
            not (  # one look at all of them: this is asked for every call
                self.input
                | self.cache_read
                | self.cache_write_5m
                | self.cache_write_1h
                | self.audio_input
                | self.output
                | self.reasoning
                | self.audio_output
                | self.image_input
                | self.image_output
            )
            >> TOKENS_BITS_MAX
        ) and (not self.units or all(0 <= count <= _UNITS_MAX for _, count in self.units))

    def __add__(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(
            input=self.input + other.input,
            cache_read=self.cache_read + other.cache_read,
            cache_write_5m=self.cache_write_5m + other.cache_write_5m,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
            audio_input=self.audio_input + other.audio_input,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
            audio_output=self.audio_output + other.audio_output,
            image_input=self.image_input + other.image_input,
            image_output=self.image_output + other.image_output,
            reasoning_known=self.reasoning_known and other.reasoning_known,
            standard=self.standard and other.standard,
            tier=self.tier or other.tier,
            web_searches=self.web_searches + other.web_searches,
            units=_sum(self.units, other.units) if self.units or other.units else (),
        )


def _sum(some: tuple[tuple[Unit, int], ...], more: tuple[tuple[Unit, int], ...]) -> tuple[tuple[Unit, int], ...]:
    counts = dict(some)
    for unit, count in more:
        counts[unit] = counts.get(unit, 0) + count
    return tuple(counts.items())
