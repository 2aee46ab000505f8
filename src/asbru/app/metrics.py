"""Metrics on the link: each worker reports to the bookkeeper, which adds up and renders.

Reports are running totals and not differences: one that is lost is made good by the next, and one that comes twice does
no harm. To a new bookkeeper everything is told, afterwards only what has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from asbru.app.lean import msgspec
from asbru.telemetry import Collected, Meter, merge, names

if TYPE_CHECKING:
    from asbru.link.link import Link
    from asbru.link.peers import Peer, Question

REPORT = "metrics.report"
"""Message, msgpack: whether this is everything, and the totals (`telemetry.Collected`)."""
SCRAPE = "metrics.scrape"
"""Question, empty; the answer is Prometheus text."""
SCRAPE_DEADLINE_S = 2.0


class MetricsReporter:
    """The worker's side: what its meter counted goes to the bookkeeper."""

    def __init__(self, link: Link, meter: Meter) -> None:
        self._link = link
        self._meter = meter
        self._encode = msgspec.msgpack.Encoder().encode
        link.on_connect(self._tell_everything)

    def push(self) -> None:
        """To be called about once a second, from a timer that runs anyway: tells what changed, if that leaves now."""
        if self._link.writable:
            delta = self._meter.collect_delta()
            if delta is not None:
                self._link.tell(REPORT, self._encode((False, delta)))

    def scrape(self, on_reply: Callable[[bytes | None], None]) -> None:
        """The metrics of all workers as Prometheus text, to `on_reply`, later; None when the bookkeeper is away or
        does not answer within SCRAPE_DEADLINE_S. This worker's own figures are up to date, others' a second old."""
        self.push()
        self._link.ask(SCRAPE, b"", on_reply, SCRAPE_DEADLINE_S)

    def _tell_everything(self) -> None:
        self._link.tell(REPORT, self._encode((True, self._meter.collect_delta(everything=True))))


class MetricsCollector:
    """The bookkeeper's side: all workers' figures, and its own (`read_own`, told at each scrape)."""

    def __init__(self, read_own: Callable[[], Iterable[tuple[names.Metric, float]]]) -> None:
        self._totals = merge.Totals()
        self._read_own = read_own
        self._decode = msgspec.msgpack.Decoder(tuple[bool, Collected]).decode

    def take(self, peer: Peer, report: bytes) -> None:
        """A worker's REPORT."""
        everything, delta = self._decode(report)
        self._totals.take(peer.incarnation, delta, everything=everything)

    def part(self, incarnation: str) -> None:
        """A worker has ended: its gauges count no more."""
        self._totals.part(incarnation)

    def render(self, _: Question) -> bytes:
        """The answer to SCRAPE."""
        # Eight megabytes that a bookkeeper nobody scrapes does without.
        from asbru.telemetry import exposition

        return exposition.render(self._totals, self._read_own())
