"""The exchange as a machine: what each event does in each state, with a connection that only takes notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from asbru.core.errors import UpstreamError
from asbru.upstream import Exchange, ExchangeDeadlines, UpstreamResponse
from asbru.upstream.exchange import UNREAD_BYTES_MAX

if TYPE_CHECKING:
    from asbru.core.future import Future
    from asbru.upstream.connection import UpstreamConnection

DEADLINES = ExchangeDeadlines(connect_s=5, first_token_s=20, idle_s=10, total_s=100)


class Pool:
    """Only the clock."""

    tick_s = 50.0


class Connection:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.pool = Pool()

    def abandon(self) -> None:
        self.told.append("abandon")

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")


def exchange_on(connection: Connection, *, streaming: bool = True) -> Exchange:
    """An exchange that was sent at second 0."""
    exchange = Exchange(b"", b"", DEADLINES, streaming, 0.0)
    exchange.connection = cast("UpstreamConnection", connection)
    if streaming:
        exchange.wait_for_first(0.0)
    else:
        exchange.waiting_for = "total_s"
    return exchange


def value(wait: Future) -> object:
    """What a Wait holds: its value, its error, or "waiting"."""
    if not wait.done:
        return "waiting"
    try:
        wait.__await__().send(None)
    except StopIteration as stop:
        return stop.value
    except UpstreamError as error:
        return error
    raise AssertionError


def test_deadlines_follow_the_state() -> None:
    """Connect, then first token (or the whole for an answer that is not streamed), then idle; never past the total."""
    exchange = Exchange(b"", b"", DEADLINES, True, 0.0)
    assert (exchange.waiting_for, exchange.deadline_s) == ("connect_s", 5)
    exchange.wait_for_first(2.0)
    assert (exchange.waiting_for, exchange.deadline_s) == ("first_token_s", 22)
    exchange.pump(lambda _: None, 15.0)
    assert (exchange.waiting_for, exchange.deadline_s) == ("idle_s", 25)
    exchange.arrived(b"x", 30.0)
    assert exchange.deadline_s == 40
    exchange.arrived(b"x", 95.0)
    assert exchange.deadline_s == exchange.total_deadline_s == 100
    whole = exchange_on(Connection(), streaming=False)
    assert (whole.waiting_for, whole.deadline_s) == ("total_s", 100)


def test_first_token_never_outlasts_the_total() -> None:
    """A first-token deadline longer than what is left of the total is cut to it."""
    exchange = Exchange(b"", b"", ExchangeDeadlines(total_s=10), True, 0.0)
    exchange.wait_for_first(4.0)
    assert exchange.deadline_s == 10


def test_a_reader_that_waits_gets_bytes_at_once() -> None:
    """`read` before the bytes: they resolve it as the object that arrived; the next ones wait for the next read."""
    exchange = exchange_on(Connection())
    first = exchange.read()
    assert value(first) == "waiting"
    data = b"one"
    exchange.arrived(data, 1.0)
    assert value(first) is data
    exchange.arrived(b"two", 1.0)
    exchange.arrived(b"three", 1.0)
    assert value(exchange.read()) == b"twothree"


def test_the_end_is_read_after_the_bytes() -> None:
    """Bytes that were not read come first, then b"" for ever."""
    exchange = exchange_on(Connection())
    exchange.arrived(b"x", 1.0)
    exchange.finished()
    assert value(exchange.read()) == b"x"
    assert value(exchange.read()) == b""
    assert value(exchange.read()) == b""


def test_an_end_wakes_who_reads() -> None:
    """A waiting read ends with b"" at the end and with the error at a failure."""
    ended, failed = exchange_on(Connection()), exchange_on(Connection())
    reads = ended.read(), failed.read()
    error = UpstreamError("cut", kind="cut")
    ended.finished()
    failed.fail(error)
    assert [value(read) for read in reads] == [b"", error]


def test_a_failure_tells_everyone_once() -> None:
    """Whoever waits for the head, the bytes or the end hears the error; later events change nothing."""
    error = UpstreamError("cut", kind="cut")
    exchange = exchange_on(Connection())
    exchange.fail(error)
    exchange.fail(UpstreamError("other"))
    exchange.finished()
    assert value(exchange) is error
    assert value(exchange.read()) is error
    assert value(exchange.pump(lambda _: None, 0.0)) is error
    assert exchange.error is error and exchange.over


def test_pumped_bytes_go_straight_through() -> None:
    """What is unread, then everything that arrives, in order; the pump ends with the stream."""
    exchange = exchange_on(Connection())
    exchange.arrived(b"a", 1.0)
    exchange.arrived(b"b", 1.0)
    got: list[bytes] = []
    ended = exchange.pump(got.append, 2.0)
    exchange.arrived(b"c", 3.0)
    assert got == [b"ab", b"c"] and value(ended) == "waiting"
    exchange.finished()
    assert value(ended) is None


def test_a_pump_of_what_is_over_ends_at_once() -> None:
    """The stream ended before the pump: its bytes, then the end (or the error)."""
    exchange = exchange_on(Connection())
    exchange.arrived(b"a", 1.0)
    exchange.finished()
    got: list[bytes] = []
    assert value(exchange.pump(got.append, 2.0)) is None
    assert got == [b"a"]


def test_a_sink_that_refuses_ends_the_exchange() -> None:
    """Bytes that make no sense to their reader: the pump fails with its error, the connection is given up."""
    connection = Connection()
    exchange = exchange_on(connection)
    error = UpstreamError("unreadable", kind="protocol")

    def sink(data: bytes) -> None:
        raise error

    ended = exchange.pump(sink, 0.0)
    exchange.arrived(b"x", 1.0)
    assert value(ended) is error and exchange.over
    assert connection.told == ["abandon"]


@pytest.mark.parametrize("state", ["sent", "reading", "pumping"])
def test_aborting_gives_the_connection_up_once(state: str) -> None:
    """In every state that is not over; a second abort, and late events, do nothing."""
    connection = Connection()
    exchange = exchange_on(connection)
    got: list[bytes] = []
    if state == "reading":
        exchange.read()
    elif state == "pumping":
        exchange.pump(got.append, 0.0)
    exchange.abort()
    exchange.abort()
    assert connection.told == ["abandon"]
    exchange.arrived(b"late", 1.0)
    exchange.finished()
    assert got == []


@pytest.mark.parametrize("how", ["finished", "failed"])
def test_aborting_what_is_over_is_harmless(how: str) -> None:
    """A `finally` may abort an exchange that ended by itself: its connection may serve others by then."""
    connection = Connection()
    exchange = exchange_on(connection)
    if how == "finished":
        exchange.finished()
    else:
        exchange.fail(UpstreamError("x"))
    exchange.abort()
    assert connection.told == []


def test_unread_bytes_are_bounded() -> None:
    """Above the bound the connection is not read; taking the bytes reads on."""
    connection = Connection()
    exchange = exchange_on(connection)
    exchange.arrived(bytes(UNREAD_BYTES_MAX), 1.0)
    assert connection.told == []
    exchange.arrived(b"x", 1.0)
    exchange.arrived(b"x", 1.0)
    assert connection.told == ["pause"]
    assert len(cast("bytes", value(exchange.read()))) == UNREAD_BYTES_MAX + 2
    assert connection.told == ["pause", "resume"]


def test_a_slow_caller_holds_the_provider_back() -> None:
    """Pause and resume reach the connection once each; being paused is not being idle."""
    connection = Connection()
    exchange = exchange_on(connection)
    exchange.pump(lambda _: None, 0.0)
    exchange.pause()
    exchange.pause()
    assert exchange.paused
    exchange.resume()
    exchange.resume()
    assert connection.told == ["pause", "resume"]
    assert exchange.deadline_s == 60  # a new idle deadline from the resumption on


def test_a_paused_stream_that_ended_stays_ended() -> None:
    """Resuming what is over does not touch a connection that others may use."""
    connection = Connection()
    exchange = exchange_on(connection)
    exchange.pump(lambda _: None, 0.0)
    exchange.pause()
    exchange.finished()
    exchange.resume()
    assert connection.told == ["pause"]


def test_an_answer_is_given_once() -> None:
    """A second answer (a late one, after a failure) does not replace what was told."""
    exchange = exchange_on(Connection(), streaming=False)
    error = UpstreamError("late", kind="deadline")
    exchange.fail(error)
    exchange.resolve(UpstreamResponse(200, b""))
    assert value(exchange) is error


def test_who_pulls_gets_nothing_while_the_caller_is_slow() -> None:
    """What is read is bounded though somebody pulls: a slow caller holds it back, and its end lets all of it out."""
    connection = Connection()
    exchange = exchange_on(connection)
    first = exchange.pull(1.0)
    exchange.arrived(b"a", 1.0)
    assert value(first) == b"a"
    exchange.pause()
    second = exchange.pull(1.0)
    for _ in range(3):
        exchange.arrived(b"b" * UNREAD_BYTES_MAX, 1.0)
    assert value(second) == "waiting" and connection.told == ["pause"]
    exchange.resume()
    assert value(second) == b"b" * (3 * UNREAD_BYTES_MAX) and connection.told == ["pause", "resume"]
    exchange.pause()
    third = exchange.pull(1.0)
    exchange.arrived(b"c", 1.0)
    exchange.finished()
    assert value(third) == b"c" and value(exchange.pull(1.0)) == b""
