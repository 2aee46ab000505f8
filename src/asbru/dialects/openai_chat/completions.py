"""Streams of completions, for those who look at words: read and written as chunks of a chat, whose `delta` is `text`.

Source: https://platform.openai.com/docs/api-reference/completions/object
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec

from asbru.core.chat import ChatRequest
from asbru.core.notes import Note
from asbru.core.reply import StreamEvent
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.openai_chat.stream import ChatStreamReader
from asbru.dialects.openai_chat.stream_writer import ChatStreamWriter
from asbru.dialects.spoken import Spoken, spoken_at
from asbru.wire.sse import SseEvent, SseReader, read_block, write_event

_encode = msgspec.json.encode


class CompletionsReader:
    """Chunks to events."""

    __slots__ = ("_base", "_events")

    def __init__(self) -> None:
        self._base = ChatStreamReader()
        self._events = SseReader()

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """See `StreamReader`."""
        return [event for one in self._events.feed(chunk) for event in self._base.feed(_as_chat(one))]

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        """See `StreamReader`."""
        left = read_block(self._events.close().replace(b"\r\n", b"\n"))
        last = [] if left is None else self._base.feed(_as_chat(left)[:-1])  # whole or not, its reader knows
        return last + self._base.close(clean=clean)


def _as_chat(event: SseEvent) -> bytes:
    """A chunk with its texts where a chat's stand; what is none goes as it is, for its reader knows it."""
    data = event.data
    try:
        chunk: Any = msgspec.json.decode(data)
    except DECODE_ERRORS:
        chunk = None
    choices = cast("dict[str, Any]", chunk).get("choices") if isinstance(chunk, dict) else None
    if isinstance(choices, list):
        for choice in cast("list[Any]", choices):
            if isinstance(choice, dict):
                members = cast("dict[str, Any]", choice)
                members["delta"] = {"content": members.pop("text", None)}
        data = _encode(chunk)
    return write_event(data, event.event)


class CompletionsWriter:
    """Events to chunks."""

    __slots__ = ("_base",)

    def __init__(self, request: ChatRequest) -> None:
        self._base = ChatStreamWriter(request)

    @property
    def notes(self) -> tuple[Note, ...]:
        """See `StreamWriter`."""
        return self._base.notes

    def write(self, events: Sequence[StreamEvent]) -> bytes:
        """See `StreamWriter`."""
        written = self._base.write(events).split(b"\n\n")
        return b"".join([_as_completion(block) for block in written if block])


def _as_completion(block: bytes) -> bytes:
    """A chunk of a chat as one of a completion; one that tells the role alone is none."""
    if not block.startswith(b"data: {"):
        return block + b"\n\n"
    chunk = msgspec.json.decode(block[6:], type=dict[str, Any])
    if "error" in chunk:
        return block + b"\n\n"
    for choice in chunk.get("choices", ()):
        delta = choice.pop("delta", {})
        if "role" in delta:
            return b""
        choice["text"] = delta.get("content", "")
    return b"data: %b\n\n" % _encode({**chunk, "object": "text_completion"})


SPOKEN: Final = Spoken(
    read=spoken_at("choices.*.text"), stream_reader=CompletionsReader, stream_writer=CompletionsWriter
)
