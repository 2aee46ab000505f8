"""Where streams are cut, and what a dialect must make of a cut stream, without sockets.

A stream of at most `EVERY_BYTE_MAX` bytes is cut at every byte; a longer one at every event border +-2 bytes
and at `RANDOM_CUTS` places drawn with the row's id as seed. At each cut the pass-through relay (splitter,
withhold, prelude, tail) and the stream reader see the prefix alone.
"""

from __future__ import annotations

import copy
import random
from typing import Any

from tests.recordings.corpus import Row
from tests.recordings.reading import (
    Event,
    data_end,
    differences,
    events,
    expected_stream,
    finished_at,
    has_error,
    is_fault,
    is_terminal,
    tokens,
)

from asbru.core.reply import ReplyEnd, StreamFault
from asbru.wire.sse import EventSplitter

EVERY_BYTE_MAX = 4096
RANDOM_CUTS = 200
FRESH_READERS = 24
TAIL_BYTES = 4096
REASONS_MAX = 4


def cut_places(row: Row) -> list[int]:
    """The sorted lengths to which the stream is cut; the whole stream is not one of them."""
    size = len(row.answer)
    if size <= EVERY_BYTE_MAX:
        return list(range(size))
    places = {border + d for event in events(row.answer) for border in (event.end,) for d in range(-2, 3)}
    rng = random.Random(row.id)
    places |= {rng.randrange(size) for _ in range(RANDOM_CUTS)}
    return sorted(p for p in places if 0 <= p < size)


def check(row: Row, dialect: Any) -> list[str]:
    """Reasons why the row's stream is not handled as it must be; [] when it is."""
    try:
        return (_whole(row, dialect) + _relay(row, dialect) + _reader(row, dialect))[:REASONS_MAX]
    except Exception as error:  # noqa: BLE001 -- becomes the row's reason: any exception is a finding
        return [f"stream: {type(error).__name__}: {error}"[:300]]


def feed_all(dialect: Any, chunks: list[bytes]) -> list[Any]:
    """The events of a stream that came in these chunks, the closing ones included."""
    reader = dialect.chat.stream_reader()
    found: list[Any] = []
    for chunk in chunks:
        found += reader.feed(chunk)
    return found + reader.close()


def _whole(row: Row, dialect: Any) -> list[str]:
    """Split invariance, the grammar, the end."""
    data, reasons = row.answer, []
    once = feed_all(dialect, [data])
    rng = random.Random(row.id)
    marks = sorted(rng.randrange(len(data) + 1) for _ in range(min(64, len(data))))
    random_chunks = [data[a:b] for a, b in zip([0, *marks], [*marks, len(data)], strict=True)]
    if feed_all(dialect, [data[i : i + 1] for i in range(len(data))]) != once:
        reasons.append("split invariance: byte by byte gives other events than at once")
    if feed_all(dialect, random_chunks) != once:
        reasons.append("split invariance: random chunks give other events than at once")
    wire = events(data)
    terminal = any(is_terminal(e, row.dialect) for e in wire)
    faulty = any(is_fault(e, row.dialect) for e in wire)
    finished = finished_at(data, wire, row.dialect) is not None
    ended = any(isinstance(e, ReplyEnd) for e in once)
    fault = any(isinstance(e, StreamFault) for e in once)
    if (terminal or finished) and not ended and not fault:
        reasons.append("reader: no ReplyEnd though the stream is whole")
    if (faulty and not fault) or (fault and not any(has_error(e) for e in wire)):
        reasons.append(f"reader: StreamFault is {fault}, recorded fault is {faulty}")
    tail = dialect.passing.tail(data[-TAIL_BYTES:])
    if faulty and tail.fault is None:
        reasons.append("tail: the recorded fault at the end was not seen")
    if (terminal or finished) and not any(has_error(e) for e in wire) and not tail.finished:
        reasons.append("tail: not finished though the stream is whole")
    return reasons + _ends_usage(row, dialect, wire) + grammar(once)


def _ends_usage(row: Row, dialect: Any, wire: list[Event]) -> list[str]:
    """Usage as a pass-through call reads it: from the first events and the tail alone."""
    told = tokens(row)
    if told is None:
        return []
    head = dialect.passing.head_usage(row.answer[: wire[min(2, len(wire) - 1)].end])
    usage = dialect.passing.merge_usage(head, dialect.passing.tail(row.answer[-TAIL_BYTES:]).usage)
    if usage is None:
        return ["usage, tail: none, the provider reported it"]
    return [f"usage, tail: {wrong}" for wrong in differences(told, usage)]


def grammar(found: list[Any]) -> list[str]:
    """Departures from the grammar drawn in `core.reply`."""
    reasons: list[str] = []
    names = [type(e).__name__ for e in found]
    first = next((name for name in names if name not in ("Ping", "ForeignEvent")), "ReplyStart")
    if first not in ("ReplyStart", "StreamFault"):
        reasons.append(f"grammar: begins with {first}")
    if names.count("ReplyStart") > 1 or names.count("ReplyEnd") > 1:
        reasons.append("grammar: more than one start or end")
    ends = [i for i, n in enumerate(names) if n in ("ReplyEnd", "StreamFault")]
    if ends and ends[0] != len(names) - 1:
        reasons.append(f"grammar: {names[ends[0] + 1]} after {names[ends[0]]}")
    state: dict[tuple[int, int], str] = {}
    stopped: set[int] = set()
    for event, name in zip(found, names, strict=True):
        if name in ("PartStart", "PartDelta", "PartStop"):
            key = (event.choice, event.index)
            wrong = _part_step(state, key, name)
            if wrong or event.choice in stopped:
                reasons.append(f"grammar: {wrong or name + ' after ChoiceStop'} at part {key}")
        elif name == "ChoiceStop":
            if event.choice in stopped:
                reasons.append(f"grammar: choice {event.choice} stopped twice")
            stopped.add(event.choice)
    if "ReplyEnd" in names and "open" in state.values():
        reasons.append("grammar: a part was never stopped")
    return reasons[:2]


def _part_step(state: dict[tuple[int, int], str], key: tuple[int, int], name: str) -> str:
    """Move one part on; a complaint if it may not."""
    now = state.get(key)
    if name == "PartStart":
        state[key] = "open"
        due = sum(1 for choice, _ in state if choice == key[0]) - 1
        return "PartStart repeated" if now else ("" if key[1] == due else "part index out of order")
    if now != "open":
        return f"{name} of a part that is not open"
    if name == "PartStop":
        state[key] = "stopped"
    return ""


def _relay(row: Row, dialect: Any) -> list[str]:
    """The pass-through of every prefix: whole events only, never complete before the terminal sign."""
    data, reasons = row.answer, []
    wire = events(data)
    whole_from = _whole_from(row, wire)
    expected = expected_stream(row)
    asked = row.asked_usage
    splitter, sent, at, forwarded = EventSplitter(), b"", 0, b""
    for place in [*cut_places(row), len(data)]:
        whole = splitter.feed(data[at:place])
        at = place
        forwarded += whole
        sent += whole if asked else dialect.passing.withhold(whole)
        done = [e for e in wire if e.end <= place]
        due = done[-1].end if done else 0
        if len(forwarded) != due:
            return [
                *reasons,
                f"relay: cut at {place}: {len(forwarded)} bytes forwarded, whole events are {due}",
            ]
        wrong = _facts(dialect, row, forwarded, done, may_end=place >= whole_from)
        if wrong:
            return [*reasons, f"relay: cut at {place}: {wrong}"]
    if sent != expected:
        reasons.append(f"relay: forwarded {len(sent)} bytes differ from the {len(expected)} expected")
    return reasons


def _facts(dialect: Any, row: Row, forwarded: bytes, done: list[Event], *, may_end: bool) -> str:
    """What prelude and tail say of whole events; a complaint or ""."""
    terminal = any(is_terminal(e, row.dialect) for e in done[-3:])
    tail = dialect.passing.tail(forwarded[-TAIL_BYTES:], row.choices)
    if tail.complete and not any(is_terminal(e, row.dialect) for e in done):
        return "tail says complete without the terminal sign"
    if tail.finished and not may_end:
        return "tail says finished before every choice is"
    if terminal and not tail.complete and tail.fault is None:
        return "tail says incomplete with the terminal sign"
    if len(done) <= 4:
        faulty = any(is_fault(e, row.dialect) for e in done)
        fault = dialect.passing.prelude(forwarded)
        if isinstance(fault, StreamFault) and not faulty:
            return f"prelude sees a fault that is not there: {fault.message}"
    return ""


def _whole_from(row: Row, wire: list[Event]) -> int:
    """From where on a prefix may be called whole: the terminal sign, or the last choice's finish reason."""
    places = [data_end(row.answer, e) for e in wire if is_terminal(e, row.dialect)]
    finished = finished_at(row.answer, wire, row.dialect)
    return min([*places, *([] if finished is None else [finished])], default=len(row.answer) + 1)


def _reader(row: Row, dialect: Any) -> list[str]:
    """Every prefix through the reader: no exception, no early end, events a prefix of all events."""
    data = row.answer
    wire = events(data)
    whole_from = _whole_from(row, wire)
    ends = [data_end(data, e) for e in wire if is_terminal(e, row.dialect)]
    terminal_from = min(ends, default=len(data) + 1)
    full_reader = dialect.chat.stream_reader()
    full = full_reader.feed(data)
    places = cut_places(row)
    fresh = set(places) if len(data) <= EVERY_BYTE_MAX else set(places[:: max(1, len(places) // FRESH_READERS)])
    running, seen, at = dialect.chat.stream_reader(), 0, 0
    for place in places:
        chunk, at = data[at:place], place
        new = running.feed(chunk)
        if new != full[seen : seen + len(new)]:
            return [f"reader: cut at {place}: events are not a prefix of the stream's"]
        seen += len(new)
        if place in fresh:
            closing_of = dialect.chat.stream_reader()
            if closing_of.feed(data[:place]) != full[:seen]:
                return [f"reader: cut at {place}: a fresh reader gives other events"]
        else:
            closing_of = copy.deepcopy(running)
        ended = any(isinstance(e, ReplyEnd) for e in (*full[:seen][-3:], *closing_of.close()))
        if ended and place < whole_from:
            return [f"reader: end at {place}: ReplyEnd before the stream is whole"]
        if ended and place < terminal_from and _ends_broken(dialect, data[:place]):
            return [f"reader: cut at {place}: ReplyEnd without the terminal sign"]
    return []


def _ends_broken(dialect: Any, data: bytes) -> bool:
    """Whether a reader takes these bytes for a whole stream although their connection broke."""
    reader = dialect.chat.stream_reader()
    return any(isinstance(e, ReplyEnd) for e in (*reader.feed(data), *reader.close(clean=False)))
