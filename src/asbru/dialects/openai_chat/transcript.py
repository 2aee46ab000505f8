"""Transcriptions and translations, for those who look at words: whole, and the stream of a transcription.

    transcript.text.delta       more of the text
    transcript.text.done        the whole text again, and the end; usage
    any other                   goes as it came, its texts looked at (`transcript.text.segment`)

The text of `done` is written anew from what went before it.
Source: https://platform.openai.com/docs/api-reference/audio/transcript-text-done-event
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from asbru.core.chat import ChatRequest, Raw, TextPart
from asbru.core.notes import Note
from asbru.core.reply import (
    ChoiceStop,
    ForeignEvent,
    PartDelta,
    PartStart,
    PartStop,
    Ping,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.openai_chat.errors import write_fault
from asbru.dialects.openai_chat.media_usage import media_usage
from asbru.dialects.openai_chat.stream import protocol_fault
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.openai_errors import read_fault
from asbru.dialects.spoken import Spoken, spoken_at
from asbru.wire.sse import SseEvent, SseReader, read_block, write_event

_DELTA: Final = "transcript.text.delta"
_DONE: Final = "transcript.text.done"
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_word = msgspec.json.Decoder(str).decode
_encode = msgspec.json.encode


class TranscriptReader:
    """Events of a transcription to canonical ones: a reply with one text."""

    __slots__ = ("_begun", "_events", "_over", "_said")

    def __init__(self) -> None:
        self._events = SseReader()
        self._begun = False
        self._said = False
        self._over = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """See `StreamReader`."""
        out: list[StreamEvent] = []
        for event in self._events.feed(chunk):
            self._take(event, out)
        return out

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        """See `StreamReader`."""
        out: list[StreamEvent] = []
        left = read_block(self._events.close().replace(b"\r\n", b"\n"))
        if left is not None and clean:
            self._take(left, out)
        return out

    def _take(self, event: SseEvent, out: list[StreamEvent]) -> None:
        if self._over or not event.data:
            return
        try:
            members = _members(event.data)
            kind = _word(members.get("type", b'""'))
            text = _word(members.get("delta" if kind == _DELTA else "text", b'""')) if kind in (_DELTA, _DONE) else ""
        except DECODE_ERRORS:
            if event.data == b"[DONE]":  # of a provider that says no more at the end
                self._end({}, "", out)
            else:
                out.append(protocol_fault("unreadable event in a transcription"))
            self._over = True
            return
        if members.get("error", NULL) != NULL or "error" in (kind, event.event):
            out.append(read_fault(event.data))
            self._over = True
            return
        if not self._begun:
            self._begun = True
            out.append(ReplyStart(id="", model="", dialect=NAME))
        if kind == _DELTA:
            self._extend(text, out)
            if "logprobs" in members:
                out.append(PartDelta(index=0, logprobs=members["logprobs"]))
        elif kind == _DONE:
            self._end(members, text, out)
        else:
            out.append(ForeignEvent(dialect=NAME, event=event.event, data=event.data))

    def _extend(self, text: str, out: list[StreamEvent]) -> None:
        if not self._said:
            self._said = True
            out.append(PartStart(index=0, part=TextPart(text="")))
        out.append(PartDelta(index=0, text=text))

    def _end(self, members: dict[str, Raw], text: str, out: list[StreamEvent]) -> None:
        if not self._said:
            out += [] if self._begun else [ReplyStart(id="", model="", dialect=NAME)]
            self._extend(text, out)
        if "logprobs" in members:
            out.append(PartDelta(index=0, logprobs=members["logprobs"]))
        out.append(PartStop(index=0))
        usage = media_usage(members.get("usage", NULL), "text")
        if usage is not None:
            out.append(UsageReport(usage=usage))
        extra = {name: raw for name, raw in members.items() if name not in ("type", "text", "logprobs")}
        out += [ChoiceStop(stop="stop", extra=extra), ReplyEnd()]
        self._over = True


class TranscriptWriter:
    """Canonical events to those of a transcription."""

    __slots__ = ("_text",)
    notes: tuple[Note, ...] = ()

    def __init__(self, request: ChatRequest) -> None:
        del request
        self._text: list[str] = []

    def write(self, events: Sequence[StreamEvent]) -> bytes:
        """See `StreamWriter`."""
        return b"".join([self._write(event) for event in events])

    def _write(self, event: StreamEvent) -> bytes:
        match event:
            case PartDelta(text=str(text)):
                self._text.append(text)
                return _event({"type": _DELTA, "delta": text})
            case PartDelta(logprobs=Raw() as logprobs):
                return _event({"type": _DELTA, "delta": "", "logprobs": logprobs})
            case ForeignEvent():
                return write_event(event.data, event.event)
            case Ping():
                return b": keep-alive\n\n"
            case ChoiceStop():
                return _event({"type": _DONE, "text": "".join(self._text), **event.extra})
            case StreamFault():
                return write_fault(event)
            case _:
                return b""


def _event(members: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % _encode(members)


_read = spoken_at("text", "segments.*.text")
SPOKEN: Final = Spoken(read=_read, stream_reader=TranscriptReader, stream_writer=TranscriptWriter)
TRANSLATED: Final = Spoken(read=_read)
