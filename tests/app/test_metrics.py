"""Metrics on the link: everything to a new bookkeeper, afterwards what changed; a scrape always ends."""

from __future__ import annotations

import msgspec
import pytest
from tests.fakes.books import Standin, connected, run, until

from asbru.app import metrics
from asbru.link import frames
from asbru.link.peers import Question
from asbru.telemetry import Meter, names

LABELS = ("s", "p", "m", "k", 200, "ok", "", "", "", "", ())


def reports(books: Standin) -> list[bool]:
    """Of each report that came: whether it was everything."""
    told = [frame.payload for frame in books.frames if (frame.kind, frame.name) == (frames.TELL, metrics.REPORT)]
    return [msgspec.msgpack.decode(payload)[0] for payload in told]


def test_everything_is_told_to_a_new_bookkeeper() -> None:
    """After a reconnect all totals are sent again; in between only what changed."""

    async def body() -> None:
        meter = Meter()
        async with connected(meter) as (books, one):
            await until(lambda: reports(books) == [True], "the first report")
            one.reporter.push()
            meter.slot(LABELS).observe(5, 1, None, None)
            one.reporter.push()
            one.reporter.push()
            await until(lambda: reports(books) == [True, False], "the change")
            await books.close()
            await until(lambda: not one.link.connected, "the end of the connection")
            one.reporter.push()
            await books.open()
            await until(lambda: reports(books) == [True, False, True], "the whole report")

    run(body())


def test_what_changed_while_nobody_read_is_not_lost() -> None:
    """A push that could not leave takes nothing out of the meter: the next one that can tells it."""

    async def body() -> None:
        meter = Meter()
        async with connected(meter) as (books, one):
            await until(lambda: reports(books) == [True], "the first report")
            books.pause()
            for size in (2**16, 2**8, 1):
                while one.link.tell("noise", bytes(size)):
                    pass
            meter.slot(LABELS).observe(5, 1, None, None)
            one.reporter.push()
            books.resume()
            await until(lambda: one.link.writable, "the noise to be read")
            one.reporter.push()
            await until(lambda: reports(books) == [True, False], "the change")

    run(body())


def test_a_scrape_without_an_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """None when the bookkeeper is away, hangs up, or does not answer in time; each callback runs once."""
    monkeypatch.setattr(metrics, "SCRAPE_DEADLINE_S", 0.05)

    async def body() -> None:
        got: list[bytes | None] = []
        async with connected() as (books, one):
            one.reporter.scrape(got.append)
            await until(lambda: got == [None], "the deadline")
            monkeypatch.setattr(metrics, "SCRAPE_DEADLINE_S", 60)
            one.reporter.scrape(got.append)
            await books.close()
            await until(lambda: got == [None, None], "the end of the connection")
            one.reporter.scrape(got.append)
            assert len(got) == 2
            await until(lambda: got == [None, None, None], "the third")

    run(body())


def test_scrapes_at_once_share_one_answer() -> None:
    """Whoever asks while an answer is on its way gets the same one; the bookkeeper is asked once."""

    async def body() -> None:
        got: list[bytes | None] = []
        async with connected() as (books, one):
            for _ in range(30):
                one.reporter.scrape(got.append)
            await until(lambda: [frame for frame in books.frames if frame.name == metrics.SCRAPE], "the question")
            await books.close()
            await until(lambda: len(got) == 30, "the answers")
            assert len([frame for frame in books.frames if frame.name == metrics.SCRAPE]) == 1

    run(body())


def test_the_text_is_rendered_once_a_second() -> None:
    """Within a second the bookkeeper answers with the text that it has; then it renders anew."""
    now_s = [0.0]
    rendered: list[float] = []

    def read_own() -> list[tuple[names.Metric, float]]:
        rendered.append(now_s[0])
        return [(names.WORKERS, now_s[0])]

    collector = metrics.MetricsCollector(read_own, lambda: now_s[0])
    question = Question("w", b"", lambda _: None)
    first = collector.render(question)
    now_s[0] = metrics.SHARED_S / 2
    assert collector.render(question) is first
    now_s[0] = metrics.SHARED_S
    assert collector.render(question) != first
    assert rendered == [0.0, metrics.SHARED_S]
