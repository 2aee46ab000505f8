"""A stream that is read and written anew: other dialect out than in, or stages that look at it or change it.

    bytes -> reader -> events -> completed -> stages, in order -> writer -> bytes

Where a stage may wait (`Stage.pulls`), the stream is pulled through by `pull` and `pull_end`, which await it, and
pushed by `feed` otherwise. What the provider reports (usage, faults, the end) is noted before the stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.notes import Note
from asbru.core.ports import ChunkSink, Sink
from asbru.core.reply import ChoiceStop, Ping, ReplyEnd, ReplyStart, StreamEvent, StreamFault, UsageReport, is_content
from asbru.core.usage import Usage
from asbru.dialects import StreamReader, StreamWriter
from asbru.pipeline.completing import Completing
from asbru.pipeline.stages import Stage
from asbru.pipeline.streaming import PRELUDE_BYTES_MAX, UNREADABLE, fault_error, incomplete, unreadable
from asbru.wire.content_coding import Decoder

QUIET_PIECES_MAX = 1
"""Pieces of a stream that hold keep-alives alone, before the stream counts as begun. Anthropic sends one at the start
of every stream; more of them mean that the model takes its time, and that what lies between would cut a silent one."""

TOLD_MAX = 16


class TranslateRelay:
    """See the module, and `streaming.Relay`."""

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        *,
        decoder: Decoder | None,
        completing: Completing,
        hide: Callable[[str], str] = str,
        stages: Sequence[Stage] = (),
    ) -> None:
        self.usage: Usage | None = None
        self.begun_usage: Usage | None = None
        self.seen_fault: UpstreamError | None = None
        self.told: list[StreamEvent] = []
        """The events by which the reply tells of itself: who replies, and why it stops."""
        self.pulls = any(stage.pulls for stage in stages)
        self._reader = reader
        self._writer = writer
        self._decoder = decoder
        self._completing = completing
        self._hide = hide  # credentials of the provider, in what it says of a fault
        self._stages = tuple(stages)
        self._held: list[StreamEvent] = []
        self._held_bytes = 0
        self._quiet_pieces = 0
        self._sink: Sink | None = None
        self._complete = False
        self._stopped = False  # a stage has not let events through: what the provider said of the end means nothing

    @property
    def notes(self) -> tuple[Note, ...]:
        """See `Relay`."""
        return self._writer.notes

    def prelude(self, chunk: bytes) -> bool:
        """See `Relay`."""
        events = self._read(chunk)
        self._held.extend(events)
        self._held_bytes += len(chunk)
        for event in events:
            if isinstance(event, StreamFault):
                raise fault_error(event)
            if is_content(event):
                return True
        if events and all(isinstance(event, Ping) for event in events):
            self._quiet_pieces += 1
        return self._quiet_pieces > QUIET_PIECES_MAX or self._held_bytes > PRELUDE_BYTES_MAX

    def begin(self, sink: Sink) -> None:
        """See `Relay`. What is held goes out with the first `pull` where a stage may wait."""
        self._sink = sink
        if not self.pulls:
            held, self._held = self._held, []
            self._push(held)

    def feed(self, chunk: bytes) -> None:
        """See `Relay`."""
        self._push(self._read(chunk))

    def pass_chunks(self, sink: ChunkSink) -> ChunkSink | None:
        """See `Relay`: nothing is passed on as it came."""
        del sink

    async def pull(self, chunk: bytes) -> None:
        """`feed`, awaiting the stages; also what was held since before `begin`."""
        held, self._held = self._held, []
        await self._pull(held + self._read(chunk) if chunk else held)

    async def pull_end(self, *, clean: bool) -> None:
        """What `finish` would read at the end of the bytes, awaiting the stages."""
        if not self._complete and self.seen_fault is None:
            await self._pull(self._reader.close(clean=clean))

    def finish(self, cut: AsbruError | None) -> AsbruError | None:
        """See `Relay`."""
        if self._stopped:
            return cut or incomplete()
        begun = self._sink is not None
        if not self._complete and self.seen_fault is None and not (self.pulls and begun):
            closing = self._reader.close(clean=cut is None)
            if begun:
                self._push(closing)
            else:  # an answer without content: what ends it goes out in `begin`
                self._take_note(closing)
                self._held += closing
        if self._complete or self.seen_fault is not None:
            return None
        return cut or incomplete()

    def _read(self, chunk: bytes) -> list[StreamEvent]:
        try:
            events = self._reader.feed(chunk if self._decoder is None else self._decoder.feed(chunk))
        except UNREADABLE as error:
            raise unreadable(error) from error
        return self._completing.events(events)

    def _push(self, events: list[StreamEvent]) -> None:
        self._take_note(events)
        if self._stages and events:
            self._stopped = True
            for stage in self._stages:
                shown = stage.events(events)
                if stage.replies == "changed":
                    events = shown
            self._stopped = False
        self._write(events)

    async def _pull(self, events: list[StreamEvent]) -> None:
        self._take_note(events)
        self._stopped = True
        for stage in self._stages:
            if not events:
                break
            shown = await stage.pull(events) if stage.pulls else stage.events(events)
            if stage.replies == "changed":
                events = shown
        self._stopped = False
        self._write(events)

    def _take_note(self, events: list[StreamEvent]) -> None:
        for at, event in enumerate(events):
            if isinstance(event, UsageReport):
                self.usage = event.usage
            elif isinstance(event, StreamFault):
                events[at] = told = msgspec.structs.replace(
                    event, message=self._hide(event.message), code=event.code and self._hide(event.code)
                )
                self.seen_fault = fault_error(told)
            elif isinstance(event, ReplyEnd):
                self._complete = True
            elif isinstance(event, ReplyStart):
                self.begun_usage = event.usage
                self.told.append(event)
            elif isinstance(event, ChoiceStop) and len(self.told) < TOLD_MAX:
                self.told.append(event)

    def _write(self, events: list[StreamEvent]) -> None:
        if events and self._sink is not None:
            data = self._writer.write(events)
            if data:
                self._sink(data)
