"""A stream that goes to the caller as it came, while its events are read beside it for the stages that watch.

The caller has each event before they do, and gets it whatever they make of it: a stage that must be able to stop a
stream changes it (`translating`). Not here: the bytes, which `PassRelay` forwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asbru.core.errors import AsbruError
from asbru.core.ports import ChunkSink, Sink
from asbru.core.reply import StreamEvent
from asbru.dialects import Dialect, StreamReader
from asbru.pipeline.stages import Stage
from asbru.pipeline.streaming import PassRelay
from asbru.wire.content_coding import Decoder


class WatchRelay(PassRelay):
    """See the module. What watches may not wait: `Stage.pulls` has no meaning here."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        withhold: bool,
        decoder: Decoder | None,
        choices: int,
        hide: Callable[[bytes], bytes],
        reader: StreamReader,
        watchers: Sequence[Stage],
    ) -> None:
        super().__init__(dialect, withhold=withhold, decoder=decoder, choices=choices, hide=hide)
        self._reader = reader
        self._watchers = tuple(watchers)
        self._begun = False
        self._closed = False

    def begin(self, sink: Sink) -> None:
        """See `Relay`."""

        def both(whole: bytes) -> None:
            sink(whole)
            self._show(self._reader.feed(whole))

        self._begun = True
        super().begin(both)

    def pass_chunks(self, sink: ChunkSink) -> ChunkSink | None:
        """See `Relay`: each piece is looked at."""
        del sink

    def finish(self, cut: AsbruError | None) -> AsbruError | None:
        """See `Relay`."""
        error = super().finish(cut)
        if self._begun and not self._closed:
            self._closed = True
            self._show(self._reader.close(clean=cut is None))
        return error

    def _show(self, events: list[StreamEvent]) -> None:
        if events:
            for stage in self._watchers:
                stage.events(events)
