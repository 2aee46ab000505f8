"""Ports of the path: what rooms and tests give it, as shapes.

None is implemented here; where one may be absent, the path says so with None.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Protocol

from asbru.core.money import PriceRow, UnitPrices
from asbru.core.ports import ChunkSink, Sink

if TYPE_CHECKING:
    from asbru.pipeline.call import Attempt, Call
    from asbru.routing import Target


class Prices(Protocol):
    """What a model costs."""

    def rows(self, provider: str, model: str, tier: str = "") -> tuple[PriceRow, ...] | None:
        """The price rows of a provider's model, by the upstream's name for it, in a service tier ("": the standard
        one); None when unknown."""
        ...

    def units(self, provider: str, model: str) -> UnitPrices:
        """What the model charges by the piece, as far as it is known."""
        ...


class Lease(Protocol):
    """What a call holds of its owners' limits while it runs."""

    def hold(self, call: Call, targets: Sequence[Target]) -> Awaitable[None]:
        """Hold the worst case of `targets`; raises the refusal when a limit has no room. Awaits nothing but Futures."""
        ...

    def covers(self, call: Call, attempt: Attempt) -> bool:
        """Whether `attempt` has nothing to do: what the call holds is enough for this attempt, and its target has no
        limits."""
        ...

    def attempt(self, call: Call, attempt: Attempt) -> Awaitable[None]:
        """An attempt is about to be made: hold the limits of its target, and more of the caller's where what earlier
        attempts may cost leaves nothing. Raises the refusal; awaits nothing but Futures."""
        ...

    def meter(self, call: Call, write: Sink, write_chunk: ChunkSink) -> tuple[Sink, ChunkSink]:
        """Where the stream of a reply goes: the sinks that are given, or others before them that count it. They may
        raise the refusal that ends the stream."""
        ...

    @property
    def metered(self) -> int:
        """The output tokens of the stream, as `meter` counted them; 0 where it did not."""
        ...

    def settle(self, attempts: Sequence[Attempt], *, served: bool = False) -> None:
        """The call is over, and this is what it spent: a billed attempt without usage spent an unknown amount.
        `served`: the caller has a reply although nothing was sent, so that it was a request all the same.
        Called exactly once; never waits, never raises."""
        ...


class Leases(Protocol):
    """Limits on what callers may spend and how often they may call."""

    def admit(self, call: Call) -> Awaitable[Lease]:
        """Let a call in, or raise the refusal. Awaits nothing but Futures; a call that is closed while it waits here
        has no lease, so whatever was taken for it must be given back by the implementation."""
        ...
