"""The worker's side of records: bounded, quiet when idle, and nothing forgotten before it is acknowledged."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
import pytest
from tests.fakes.books import HandLoop, Standin, WorkerEnd, connected, row, row_id, run, until

from asbru.link import frames
from asbru.link.link import Link
from asbru.records import RecordWriter, writer
from asbru.telemetry import Meter, names


def alone(loop: HandLoop, **options: Any) -> RecordWriter:
    """A writer on a link that was never opened."""
    events = cast("asyncio.AbstractEventLoop", loop)
    return RecordWriter(events, Link(events, "/nowhere"), **options)


def ids(books: Standin) -> list[str]:
    """Ids of the rows that came, repeated ones too."""
    batches = [msgspec.msgpack.decode(frame.payload) for frame in books.frames if frame.kind == frames.BATCH]
    return [one[0] for batch in batches for one in batch]


def test_a_full_queue_sheds_and_counts() -> None:
    """Rows over the bound are shed and counted, packed or not; nothing raises."""
    loop, meter = HandLoop(), Meter()
    one = alone(loop, rows_max=10, meter=meter)
    for number in range(8):
        one.add(row(number))
    loop.advance(0.06)
    for number in range(8, 15):
        one.add(row(number))
    assert (one.queued, one.shed) == (10, 5)
    loop.advance(1)
    one.add(row(99))
    assert (one.queued, one.shed) == (10, 6)
    delta = meter.collect_delta()
    assert delta is not None
    assert (names.RECORDS_SHED.name, (), 6) in delta.counters
    assert (names.RECORDS_QUEUED.name, (), 10) in delta.gauges


def test_acknowledged_rows_make_room() -> None:
    """A queue that was full takes rows again as soon as some are acknowledged."""
    loop = HandLoop()
    one = alone(loop, rows_max=2)
    for number in range(2):
        one.add(row(number))
    loop.advance(0.01)
    one.add(row(2))
    assert one.shed == 1
    assert one._batches.next_frame()
    one._batches.acknowledge(1)
    one.add(row(3))
    assert (one.queued, one.shed) == (1, 1)


def test_the_backlog_is_bounded_in_bytes() -> None:
    """A batch that would exceed the backlog's bytes is shed whole."""
    loop = HandLoop()
    one = alone(loop, backlog_bytes_max=2000)
    for number in range(3):
        one.add(row(number, error_message="x" * 900))
        loop.advance(0.06)
    assert (one.queued, one.shed) == (1, 2)


def test_an_idle_writer_has_no_timer() -> None:
    """The timer is armed by the first row, once, for 10 ms, and gone after the flush."""
    loop = HandLoop()
    one = alone(loop)
    assert loop.timers == []
    one.add(row(1))
    one.add(row(2))
    assert [timer.at_s for timer in loop.timers] == [0.01]
    loop.advance(0.01)
    assert loop.timers == []


def test_a_burst_is_packed_in_steps() -> None:
    """One flush packs at most FLUSH_BATCHES_MAX batches, so that it never holds up the loop; the rest follows soon."""
    loop = HandLoop()
    one = alone(loop)
    at_once = writer.FLUSH_BATCHES_MAX * writer.BATCH_ROWS_MAX
    for number in range(at_once + 1):
        one.add(row(number))
    loop.advance(0.01)
    assert [round(timer.at_s, 3) for timer in loop.timers] == [0.015]
    loop.advance(0.005)
    assert loop.timers == []
    assert one.queued == at_once + 1


def test_a_row_that_cannot_be_packed_goes_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """A lone surrogate costs its own row; its neighbours travel."""

    async def body() -> None:
        async with connected() as (books, one):
            for bad in ("\ud800", object(), 2**70):
                one.add(row(1))
                one.add(row(2, notes=bad))
                one.add(row(3))
            await until(lambda: len(ids(books)) == 6, "six rows")
            assert ids(books) == [row_id(1), row_id(3)] * 3
            assert one.writer.shed == 3

    run(body())
    assert capfd.readouterr().err.count("a record cannot be encoded and is lost") == 3


def test_rows_are_forgotten_once_acknowledged() -> None:
    """Queued counts rows until the bookkeeper says that they are safe."""

    async def body() -> None:
        async with connected() as (books, one):
            books.acking = False
            for number in range(600):
                one.add(row(number))
            await until(lambda: len(ids(books)) == 600, "the rows")
            assert one.writer.queued == 600
            assert books.batches() == [1, 2, 3]
            await books.close()
            books.acking = True
            await books.open()
            await until(lambda: one.writer.queued == 0, "the acknowledgements")
            assert books.batches() == [1, 2, 3, 1, 2, 3]
            assert ids(books)[600:] == [row_id(number) for number in range(600)]

    run(body())


def test_rows_wait_for_a_bookkeeper_that_is_not_there_yet() -> None:
    """Rows added before the bookkeeper listens arrive when it does."""

    async def body() -> None:
        books = Standin()
        one = WorkerEnd(asyncio.get_running_loop(), books.path)
        one.link.open()
        one.add(row(1))
        await until(lambda: not one.writer._rows, "the flush")
        assert not one.link.connected
        await books.open()
        await until(lambda: one.writer.queued == 0, "the acknowledgement")
        assert ids(books) == [row_id(1)]
        assert await one.close() == 0
        await books.close()
        books.remove()

    run(body())


def test_close_sends_what_is_queued() -> None:
    """Closing right after an add loses nothing; later adds are shed."""

    async def body() -> None:
        async with connected() as (books, one):
            for number in range(1500):
                one.add(row(number))
            assert await one.close() == 0
            assert len(ids(books)) == 1500
            one.add(row(9999))
            assert one.writer.shed == 1

    run(body())


def test_close_ends_without_a_bookkeeper(capfd: pytest.CaptureFixture[str]) -> None:
    """With nobody there closing takes its deadline and tells how many rows were left."""

    async def body() -> None:
        one = WorkerEnd(asyncio.get_running_loop(), "/nowhere/book.sock")
        one.link.open()
        one.add(row(1))
        assert await one.close(0.05) == 1

    run(body())
    assert "some rows were not acknowledged before the end table=requests rows=1" in capfd.readouterr().err
