"""Streams of images, speech and transcription: events that each have a `type`, read for how the stream goes.

    image_generation.partial_image, image_edit.partial_image    content
    image_generation.completed, image_edit.completed            one image is whole; usage
    transcript.text.delta, .segment; speech.audio.delta         content
    transcript.text.done; speech.audio.done                     the end; usage
    error, or any event with an `error`                         the fault

Events of other types are content: providers have their own (Together's `conversation.item.audio_output.delta`), and
end with `[DONE]`. Not here: events of a chat (`passthrough`).
Sources: https://platform.openai.com/docs/api-reference/images-streaming, .../audio/speech-audio-done-event,
.../audio/transcript-text-done-event
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from asbru.core.chat import Raw
from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects.contract import EventFacts
from asbru.dialects.fields import NULL
from asbru.dialects.openai_chat.errors import read_fault
from asbru.dialects.openai_chat.media_usage import Media, media_usage
from asbru.wire.sse import CR, read_block

_DONE = b"[DONE]"
_ENDS = (".completed", ".done")
_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Event(msgspec.Struct):
    type: str = ""
    usage: Raw = NULL
    error: Raw = NULL


_EVENT = msgspec.json.Decoder(_Event)


def events_of(output: Media) -> Callable[[bytes], EventFacts]:
    """`Operation.read_events` of an operation whose output is of this kind."""

    def read(events: bytes) -> EventFacts:
        if CR in events:
            events = events.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        content = done = False
        ends = 0
        usage: Usage | None = None
        fault: StreamFault | None = None
        for block in events.split(b"\n\n"):
            found = read_block(block)
            if found is None:
                continue
            if found.data == _DONE:
                done = True
                continue
            event = _read(found.data)
            if event is None:
                continue  # told by `Passing.malformed_at`
            if event.error != NULL or "error" in (event.type, found.event):
                fault = fault or read_fault(found.data)
                continue
            content = True
            if event.type.endswith(_ENDS):
                ends += 1
                told = media_usage(event.usage, output)
                if told is not None:
                    usage = told if usage is None else usage + told
        return EventFacts(content=content, ends=ends, done=done, usage=usage, fault=fault)

    return read


def _read(data: bytes) -> _Event | None:
    try:
        return _EVENT.decode(data)
    except _ERRORS:
        return None
