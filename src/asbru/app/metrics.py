"""Metrics on the link: each worker reports to the bookkeeper, which adds up and renders.

Reports are running totals and not differences: one that is lost is made good by the next, and one that comes twice does
no harm. To a new bookkeeper everything is told, afterwards only what has changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from asbru.app.lean import msgspec
from asbru.telemetry import Collected, Meter, merge, names

if TYPE_CHECKING:
    from asbru.link.link import Link
    from asbru.link.peers import Peer, Question

REPORT = "metrics.report"
"""Message, msgpack: whether this is everything, the limit on series, and the totals (`telemetry.Collected`)."""
SCRAPE = "metrics.scrape"
"""Question, empty; the answer is Prometheus text."""
SCRAPE_DEADLINE_S = 2.0
SHARED_S = 1.0
"""How long a rendered text is good for everyone who asks: many scrapes cost no more than one a second."""

OnReply: TypeAlias = Callable[[bytes | None], None]


class MetricsReporter:
    """The worker's side: what its meter counted goes to the bookkeeper."""

    def __init__(self, link: Link, meter: Meter) -> None:
        self._link = link
        self._meter = meter
        self._encode = msgspec.msgpack.Encoder().encode
        self._waiting: list[OnReply] = []
        link.on_connect(self._tell_everything)

    def push(self) -> None:
        """To be called about once a second, from a timer that runs anyway: tells what changed, if that leaves now."""
        if self._link.writable:
            delta = self._meter.collect_delta()
            if delta is not None:
                self._link.tell(REPORT, self._encode((False, self._meter.series_max, delta)))

    def scrape(self, on_reply: OnReply) -> None:
        """The metrics of all workers as Prometheus text, to `on_reply`, later; None when the bookkeeper is away or
        does not answer within SCRAPE_DEADLINE_S. They are at most two seconds old. Whoever asks while an answer is
        on its way gets the same one."""
        self._waiting.append(on_reply)
        if len(self._waiting) == 1:
            self.push()
            self._link.ask(SCRAPE, b"", self._scraped, SCRAPE_DEADLINE_S)

    def _scraped(self, text: bytes | None) -> None:
        waiting, self._waiting = self._waiting, []
        for on_reply in waiting:
            on_reply(text)

    def _tell_everything(self) -> None:
        self._link.tell(
            REPORT, self._encode((True, self._meter.series_max, self._meter.collect_delta(everything=True)))
        )


class MetricsCollector:
    """The bookkeeper's side: all workers' figures, and its own (`read_own`, told at each scrape)."""

    def __init__(
        self,
        read_own: Callable[[], Iterable[tuple[names.Metric, float]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._totals = merge.Totals()
        self._read_own = read_own
        self._decode = msgspec.msgpack.Decoder(tuple[bool, int, Collected]).decode
        self._clock = clock
        self._text = b""
        self._good_until_s = 0.0

    def take(self, peer: Peer, report: bytes) -> None:
        """A worker's REPORT."""
        everything, series_max, delta = self._decode(report)
        self._totals.cap(series_max)
        self._totals.take(peer.incarnation, delta, everything=everything)

    def part(self, incarnation: str) -> None:
        """A worker has ended: its gauges count no more."""
        self._totals.part(incarnation)

    def render(self, _: Question) -> bytes:
        """The answer to SCRAPE: rendered at most once in SHARED_S."""
        # Eight megabytes that a bookkeeper nobody scrapes does without.
        from asbru.telemetry import exposition

        now_s = self._clock()
        if now_s >= self._good_until_s:
            self._text = exposition.render(self._totals, self._read_own())
            self._good_until_s = self._clock() + SHARED_S
        return self._text
