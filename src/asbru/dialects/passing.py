"""Pass-through: what must be known, and changed, of bytes that go through as they came.

Beside the record stand the functions of a dialect that has nothing to say on a point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from asbru.core.chat import Raw
from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects.head import RequestHead


class TailFacts(msgspec.Struct, frozen=True):
    """What the end of a stream tells.

    `complete`: the dialect's terminator was seen: the stream is whole, whatever happened to the connection.
    `finished`: every choice has its finish reason: the stream is whole if its body ended cleanly, and cut if not.
    """

    usage: Usage | None
    complete: bool
    finished: bool = False
    fault: StreamFault | None = None


class TailReader(Protocol):
    """See `Passing.tail`."""

    def __call__(self, data: bytes, choices: int = 1) -> TailFacts:
        """The facts from the last bytes of a stream that was asked for `choices` answers."""
        ...


def no_finish(data: bytes) -> bool:
    """`finishes` of a dialect whose answers have one choice."""
    del data
    return False


def no_head_usage(data: bytes) -> Usage | None:
    """`head_usage` of a dialect that reports no usage at the start of a stream."""
    del data
    return None


def nothing_malformed(events: bytes) -> int:
    """`malformed_at` of a dialect that cannot tell."""
    del events
    return -1


def tail_usage_wins(head: Usage | None, tail: Usage | None) -> Usage | None:
    """`merge_usage` of a dialect whose last report is whole."""
    return head if tail is None else tail


class Passing(msgspec.Struct, frozen=True, kw_only=True):
    """Pass-through: bytes stay as they are, and what must be known of them is read.

    `rewrite(head, model, ask_usage, strip)` replaces the model (always), asks the stream for usage (if `ask_usage`)
    and removes the members called `strip`; it returns the members to send, or None when nothing had to change and the
    body goes on as it came. `head` stays as it was.
    `usage_of(body)` reads usage from a complete JSON response, tail first, whole body as a fallback; None if absent.
    `head_usage(data)` reads usage from the first whole events of a stream, where the dialect tells it there (input
    tokens in Anthropic's `message_start`); `merge_usage(head, tail)` joins it with what `tail` found.
    `tail(data, choices)` reads the last bytes of a stream (whole events); `data` may begin in the middle of an event.
    `unfit`: bytes by which a request tells that it cannot go as it came, for it holds what a provider of the dialect
    refuses: it is read and written anew. They may stand there by chance; that costs only time.
    The first is not one of them, but a part of all: a body without it is searched once.
    `finishes(data)` tells whether whole events hold a finish reason: asked only where `choices` is above one, so that
    the choices that end early are not forgotten.
    `prelude(data)` looks at the first whole events of a stream: a `StreamFault`, True once content was seen,
    else False.
    `malformed_at(events)` tells where among whole events the first one begins that no reader could read, -1 for none.
    It is not asked about a piece that ends with `quick_end`, three bytes with the framing's border (b"": all are).
    `withhold(events)` removes the usage-only chunk that Asbru asked for from whole events; identity object when none.
    """

    rewrite: Callable[[RequestHead, str, bool, frozenset[str]], dict[str, Raw] | None]
    usage_of: Callable[[bytes], Usage | None]
    tail: TailReader
    prelude: Callable[[bytes], StreamFault | bool]
    withhold: Callable[[bytes], bytes]
    unfit: tuple[bytes, ...] = ()
    malformed_at: Callable[[bytes], int] = nothing_malformed
    quick_end: bytes = b""
    finishes: Callable[[bytes], bool] = no_finish
    head_usage: Callable[[bytes], Usage | None] = no_head_usage
    merge_usage: Callable[[Usage | None, Usage | None], Usage | None] = tail_usage_wins


def nothing_rewritten(head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]) -> dict[str, Raw] | None:
    """`rewrite` of a dialect whose bodies go on as they came, or never do."""
    del head, model, ask_usage, strip


def no_tail(data: bytes, choices: int = 1) -> TailFacts:
    """`tail` of a dialect without streams."""
    del data, choices
    return TailFacts(usage=None, complete=False)


def no_prelude(data: bytes) -> StreamFault | bool:
    """`prelude` of one."""
    del data
    return True


def nothing_withheld(events: bytes) -> bytes:
    """`withhold` of one."""
    return events


NOTHING_PASSES = Passing(
    rewrite=nothing_rewritten, usage_of=no_head_usage, tail=no_tail, prelude=no_prelude, withhold=nothing_withheld
)
"""Of a dialect that callers do not speak: everything is translated."""
