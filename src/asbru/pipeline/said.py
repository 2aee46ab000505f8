"""What a provider says of its reply: the model that made it, and why it stopped. Read for spans, of sampled calls only.

What cannot be read is not known; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from asbru.core.errors import AsbruError
from asbru.core.reply import ChoiceStop, ReplyStart, StreamEvent
from asbru.dialects import Codec, Dialect
from asbru.pipeline.call import Call
from asbru.pipeline.streaming import UNREADABLE

REPLY_BYTES_MAX = 256 * 1024
"""A larger reply is not read again."""
_CHOICES_MAX = 16
_CHARS_MAX = 200


class Said(NamedTuple):
    """`model`: "" where it is not known. `stops`: the provider's words, one for each choice that ended."""

    model: str = ""
    stops: tuple[str, ...] = ()


def said_of_reply(call: Call, dialect: Dialect, body: bytes) -> Said:
    """Of a whole reply."""
    codec = _codec(call, dialect)
    if codec is None or len(body) > REPLY_BYTES_MAX:
        return Said()
    try:
        reply = codec.read_reply(body)
    except AsbruError:
        return Said()
    stops = (choice.raw_stop or choice.stop or "" for choice in reply.choices[:_CHOICES_MAX])
    return Said(reply.model[:_CHARS_MAX], tuple(one[:_CHARS_MAX] for one in stops if one))


def said_of_stream(call: Call, dialect: Dialect, pieces: Iterable[bytes]) -> Said:
    """Of a stream that went by as it came: `pieces` are whole events of its beginning and its end."""
    codec = _codec(call, dialect)
    if codec is None:
        return Said()
    reader, events = codec.stream_reader(), list[StreamEvent]()
    try:
        for piece in pieces:
            events += reader.feed(piece)
    except (AsbruError, *UNREADABLE):
        pass  # the beginning is known
    return said_of_events(events)


def said_of_events(events: Iterable[StreamEvent]) -> Said:
    """Of a stream that was read."""
    model, stops = "", list[str]()
    for event in events:
        if isinstance(event, ReplyStart):
            model = event.model[:_CHARS_MAX]
        elif isinstance(event, ChoiceStop) and len(stops) < _CHOICES_MAX:
            stops.append((event.raw_stop or event.stop)[:_CHARS_MAX])
    return Said(model, tuple(stops))


def _codec(call: Call, dialect: Dialect) -> Codec | None:
    operation = dialect.operation(call.operation.name)
    return None if operation is None else operation.codec
