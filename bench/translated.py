"""What translation costs, for each ordered pair of dialect families, in process: whole calls of 10 KB relative to a
call that passes through, and microseconds for each streamed chunk.

    python -m bench.translated [FAMILY ...]   print the table; `make bench` prints it, too, with its bars

Each side's bytes are written by its own dialect from one canonical call, so that all pairs carry the same. Figures are
CPU time of the fastest of several turns; real parsers and protocol objects, fake transports (`asbru_rig`). The calls of
a family to itself are those that pass through.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from itertools import product

from asbru.core.chat import ChatRequest, Choice, Message, TextPart
from asbru.core.reply import (
    ChatReply,
    ChoiceStop,
    PartDelta,
    PartStart,
    PartStop,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    UsageReport,
)
from asbru.core.traits import Traits
from asbru.core.usage import Usage
from asbru.dialects import Dialect, discover
from bench import report
from bench.asbru_rig import Rig, stream_of, whole_of
from bench.results import Row
from bench.rig import say

CHUNKS = 100
TURNS = 30
WHOLE_CALLS, STREAM_CALLS = 40, 2
_MODEL = "bench/gpt-4o-mini"
_USAGE = Usage(input=184, output=1874, cache_read=128)
_TEXT = "The gateway forwards what it is given, counts it, and keeps out of the way. "


def families() -> dict[str, Dialect]:
    """The dialects whose calls differ: those that are another one in an envelope count as that one."""
    found = discover()
    return {name: one for name, one in found.items() if one.surface.bases and not one.kin and one.operation("chat")}


def _asked(*, stream: bool) -> ChatRequest:
    """The call that all pairs carry."""
    system = Message(role="system", parts=(TextPart(text=_TEXT * 3),), plain=True)
    user = Message(role="user", parts=(TextPart(text=_TEXT * 10),), plain=True)
    return ChatRequest(
        model=_MODEL, messages=(system, user), max_tokens=2048, temperature=0.7, stream=stream, include_usage=stream
    )


def _request(dialect: Dialect, *, stream: bool) -> bytes:
    """What a caller of the dialect sends."""
    operations = [one for one in dialect.operations if one.name == "chat" and one.codec is not None and one.routes]
    operation = next((one for one in operations if one.surface.endswith("stream") is stream), operations[0])
    path = dialect.surface.bases[0] + operation.routes[0].replace("{model}", _MODEL)
    if stream and operation.array_unless:
        path += f"?{min(operation.array_unless).decode()}"
    body = dialect.chat.write_request(_asked(stream=stream), _MODEL, Traits()).body
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk-asb-bench0000\r\n"
    head += "user-agent: bench\r\naccept: */*\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def answer(dialect: Dialect) -> bytes:
    """What a provider of the dialect sends, whole: about 10 KB."""
    choice = Choice(index=0, parts=(TextPart(text=_TEXT * 124),), stop="stop")
    reply = ChatReply(id="r1", model="gpt-4o-mini", choices=(choice,), usage=_USAGE, created_s=1762077600)
    return whole_of(dialect.chat.write_reply(reply).body)


def pieces(dialect: Dialect, count: int) -> list[bytes]:
    """What a provider of the dialect sends as a stream, as it arrives: each delta alone."""
    writer = dialect.chat.stream_writer(_asked(stream=True))
    start: list[StreamEvent] = [
        ReplyStart(id="r1", model="gpt-4o-mini", created_s=1762077600, usage=_USAGE),
        PartStart(index=0, part=TextPart(text="")),
    ]
    end: list[StreamEvent] = [PartStop(index=0), ChoiceStop(stop="stop"), UsageReport(usage=_USAGE), ReplyEnd()]
    deltas = [[PartDelta(index=0, text=f"word {number} ")] for number in range(count)]
    pieces = [writer.write(events) for events in (start, *deltas, end)]
    return stream_of([piece for piece in pieces if piece], dialect.framing.type_line)


def call_of(caller: Dialect, provider: Dialect, pieces: Sequence[bytes], *, stream: bool) -> Callable[[], None]:
    """One call of a pair, proven to be served."""
    rig = Rig(provider.name)
    request = _request(caller, stream=stream)

    def call() -> None:
        rig.caller.data_received(request)
        for piece in pieces:
            rig.provider.data_received(piece)

    call()
    if rig.rows.rows != 1:
        raise RuntimeError(f"the call of {caller.name} to {provider.name} was not served")
    return call


def _cpu_us(call: Callable[[], None], count: int) -> float:
    """CPU of one call: that of the fastest turn."""
    fastest = float("inf")
    for _ in range(TURNS):
        begun = time.process_time_ns()
        for _ in range(count):
            call()
        fastest = min(fastest, time.process_time_ns() - begun)
    return fastest / count / 1e3


def measure(names: Sequence[str] = ()) -> list[Row]:
    """A row for each ordered pair of families, or of those named."""
    found = {name: one for name, one in families().items() if not names or name in names}
    rows: list[Row] = []
    passing: dict[str, float] = {}
    pairs = sorted(product(found, found), key=lambda pair: pair[0] != pair[1])
    for caller, provider in pairs:
        mine, theirs = found[caller], found[provider]
        whole = _cpu_us(call_of(mine, theirs, [answer(theirs)], stream=False), WHOLE_CALLS)
        streams = [call_of(mine, theirs, pieces(theirs, count), stream=True) for count in (CHUNKS, 2 * CHUNKS)]
        short, long = (_cpu_us(call, STREAM_CALLS) for call in streams)
        if caller == provider:
            passing[caller] = whole
        rows.append(
            {
                "caller": caller,
                "provider": provider,
                "cpu_us": round(whole, 1),
                "more_us": round(whole - passing[caller], 1),
                "us_per_chunk": round((long - short) / CHUNKS, 1),
            }
        )
    return rows


def main(names: Sequence[str]) -> int:
    """Measures and prints; the bar for whole calls is judged by `make bench`, which knows what a passed one costs."""
    rows = measure(names)
    say(report.translated_table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
