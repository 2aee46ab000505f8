"""The pool: lends last-in first-out, bounds connections and its queue, and expires by the sweep it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
from tests.fakes.loops import FakeLoop, FakeTransport

from asbru.core.errors import Overloaded, UpstreamError
from asbru.upstream import Exchange, ExchangeDeadlines, Origin, Pool, TlsContexts, UpstreamResponse, pool
from asbru.upstream.connection import UpstreamConnection
from asbru.upstream.pool import IDLE_KEPT_S

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
DEADLINES = ExchangeDeadlines(connect_s=5, first_token_s=20, idle_s=10, total_s=100)


class Bench:
    """A pool whose dials are made by hand; `transports` in the order they were dialled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
        self.loop = FakeLoop()
        self.transports: list[FakeTransport] = []
        self.failures: list[Exception] = []
        self.after: Callable[[FakeTransport], None] = lambda _: None
        origin = Origin(host="h", port=80, **limits)  # type: ignore[arg-type]  # limits are whole numbers
        self.pool = Pool(
            origin, TlsContexts(), cast("asyncio.AbstractEventLoop", self.loop), response_bytes_max=10_000
        )
        self.pool.sweep(0.0)
        monkeypatch.setattr(pool, "dial", self.dial)

    async def dial(
        self, origin: Origin, _: TlsContexts, make: Callable[[], UpstreamConnection]
    ) -> UpstreamConnection:
        assert origin is self.pool.origin
        if self.failures:
            raise self.failures.pop(0)
        connection = make()
        self.transports.append(FakeTransport(connection))
        self.after(self.transports[-1])
        return connection

    def begin(self, *, streaming: bool = False) -> Exchange:
        """One more exchange; its connection is dialled at once if it needs one."""
        exchange = self.pool.begin(b"H", b"B", DEADLINES, streaming_wanted=streaming)
        self.loop.run_tasks()
        return exchange


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    """Makes a bench with limits."""
    return lambda **limits: Bench(monkeypatch, **limits)


def error_of(exchange: Exchange) -> UpstreamError:
    """The error an exchange ended with."""
    assert exchange.error is not None
    return exchange.error


Make = Callable[..., Bench]


def test_a_connection_is_dialled_and_used_again(make: Make) -> None:
    """The second exchange travels on the first one's connection."""
    bench = make()
    first = bench.begin()
    connection = first.connection
    assert bench.transports[0].written == b"HB" and connection is not None
    bench.transports[0].receive(ANSWER)
    second = bench.begin()
    assert len(bench.transports) == 1 and second.connection is connection
    assert bench.transports[0].written == b"HBHB"
    assert (bench.pool.connections, bench.pool.idle_connections, bench.pool.busy_connections) == (1, 0, 1)


def test_the_last_one_back_is_lent_first(make: Make) -> None:
    """Warm connections stay warm, and the others can age."""
    bench = make()
    for _ in range(3):
        bench.begin()
    for index in (1, 0, 2):
        bench.transports[index].receive(ANSWER)
    sent = [len(transport.written) for transport in bench.transports]
    for index in (2, 0, 1):
        bench.begin()
        assert len(bench.transports[index].written) > sent[index]
    assert len(bench.transports) == 3


def test_a_connection_that_is_closing_is_not_lent(make: Make) -> None:
    """An idle connection that the provider has begun to close is passed over."""
    bench = make()
    bench.begin()
    bench.transports[0].receive(ANSWER)
    bench.transports[0].closing = True
    bench.begin()
    assert len(bench.transports) == 2 and bench.transports[1].written == b"HB"


def test_above_the_limit_exchanges_queue_in_order(make: Make) -> None:
    """One connection, three exchanges: each gets it when the one before is answered."""
    bench = make(connections_max=1)
    exchanges = [bench.begin() for _ in range(3)]
    for number, exchange in enumerate(exchanges, 1):
        assert bench.transports[0].written == b"HB" * number
        bench.transports[0].receive(ANSWER)
        assert isinstance(exchange._value, UpstreamResponse)  # pyright: ignore[reportPrivateUsage]  # its own room
    assert len(bench.transports) == 1 and bench.pool.idle_connections == 1


def test_the_queue_is_bounded(make: Make) -> None:
    """A full queue refuses; nothing else waits."""
    bench = make(connections_max=1)
    bench.pool.queued_max = 2
    for _ in range(3):
        bench.begin()
    with pytest.raises(Overloaded):
        bench.begin()


def test_who_gave_up_in_the_queue_is_passed_over(make: Make) -> None:
    """A queued exchange that was ended is never sent, and its place is free again."""
    bench = make(connections_max=1)
    _, given_up, third = (bench.begin() for _ in range(3))
    given_up.abort()
    bench.transports[0].receive(ANSWER)
    assert third.connection is not None and given_up.connection is None
    assert bench.transports[0].written == b"HBHB"


def test_giving_up_in_the_queue_makes_room(make: Make) -> None:
    """Callers that left do not count as waiting."""
    bench = make(connections_max=1)
    bench.pool.queued_max = 1
    bench.begin()
    bench.begin().abort()
    bench.begin()
    with pytest.raises(Overloaded):
        bench.begin()


def test_ending_an_exchange_frees_its_place(make: Make) -> None:
    """An aborted answer costs its connection, whose place the next in the queue gets."""
    bench = make(connections_max=1)
    first, second = bench.begin(), bench.begin()
    first.abort()
    assert bench.transports[0].aborted
    bench.transports[0].lose()
    bench.loop.run_tasks()
    assert bench.transports[1].written == b"HB" and second.connection is not None
    assert bench.pool.connections == 1


def test_ending_what_was_answered_keeps_the_connection(make: Make) -> None:
    """The path ends every exchange; one that is over gave its connection back before."""
    bench = make()
    exchange = bench.begin()
    bench.transports[0].receive(ANSWER)
    exchange.abort()
    assert bench.pool.idle_connections == 1 and not bench.transports[0].closing


def test_a_dial_that_fails_tells_its_exchange(make: Make) -> None:
    """Whatever goes wrong while dialling is an error of the exchange, with the kind that decides on retries."""
    bench = make()
    for failure, kind in [
        (UpstreamError("refused", kind="network"), "network"),
        (UpstreamError("policy", kind="policy"), "policy"),
        (TimeoutError(), "deadline"),
        (RuntimeError("bug"), "network"),
    ]:
        bench.failures.append(failure)
        assert error_of(bench.begin()).kind == kind
    assert bench.pool.connections == 0


@pytest.mark.parametrize("lost", [False, True])
def test_a_connection_closed_at_once_is_a_network_error(make: Make, lost: bool) -> None:
    """A provider that accepts and closes: the exchange is told, and no place is taken for ever."""
    bench = make(connections_max=1)
    exchange = bench.pool.begin(b"H", b"B", DEADLINES, streaming_wanted=False)
    bench.after = lambda transport: transport.lose() if lost else transport.close()
    bench.loop.run_tasks()
    bench.transports[0].lose()
    assert error_of(exchange).kind == "network"
    assert bench.pool.connections == 0


def test_a_failed_dial_leaves_its_place_to_the_queue(make: Make) -> None:
    """Who waits behind a dial that fails is dialled for in turn, not left to its deadline."""
    bench = make(connections_max=1)
    bench.failures.append(UpstreamError("refused", kind="network"))
    first = bench.pool.begin(b"H", b"B", DEADLINES, streaming_wanted=False)
    second = bench.pool.begin(b"H", b"B", DEADLINES, streaming_wanted=False)
    bench.loop.run_tasks()
    assert error_of(first).kind == "network"
    assert second.connection is not None and bench.transports[0].written == b"HB"


def test_a_caller_that_left_while_dialling_leaves_a_warm_connection(make: Make) -> None:
    """The connection is kept for the next."""
    bench = make()
    exchange = bench.pool.begin(b"H", b"B", DEADLINES, streaming_wanted=False)
    exchange.abort()
    bench.loop.run_tasks()
    assert bench.transports[0].written == b"" and bench.pool.idle_connections == 1


def test_idle_connections_are_bounded(make: Make) -> None:
    """What comes back above the bound is closed."""
    bench = make(idle_connections_max=1)
    bench.begin(), bench.begin()
    for transport in bench.transports:
        transport.receive(ANSWER)
    assert bench.pool.idle_connections == 1
    assert [transport.closing for transport in bench.transports] == [False, True]


def test_old_idle_connections_are_closed(make: Make) -> None:
    """Before the provider closes them, so that a request does not meet a closing connection."""
    bench = make()
    bench.begin()
    bench.transports[0].receive(ANSWER)
    bench.pool.sweep(IDLE_KEPT_S)
    assert bench.pool.idle_connections == 1
    bench.pool.sweep(IDLE_KEPT_S + 1)
    assert bench.pool.idle_connections == 0 and bench.transports[0].closing


@pytest.mark.parametrize(
    ("streaming", "fed", "after_s", "what"),
    [
        (False, b"", 101, "total_s"),
        (True, b"", 21, "first_token_s"),
        (True, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", 21, "first_token_s"),
        (True, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", 11, "idle_s"),
    ],
)
def test_the_sweep_expires_what_is_late(make: Make, *, streaming: bool, fed: bytes, after_s: int, what: str) -> None:
    """Not a sweep before the deadline; then the exchange is told which one passed, and its connection is dropped."""
    bench = make()
    exchange = bench.begin(streaming=streaming)
    bench.transports[0].receive(fed)
    if what == "idle_s":
        exchange.pump(lambda _: None, bench.pool.tick_s)
    bench.pool.sweep(after_s - 1)
    assert not exchange.over
    bench.pool.sweep(after_s)
    error = error_of(exchange)
    assert (error.kind, error.status) == ("deadline", 504) and what in error.message
    assert bench.transports[0].aborted


def test_a_queued_exchange_expires(make: Make) -> None:
    """Waiting for a connection has a limit of its own; what comes after it is not later than those before."""
    bench = make(connections_max=1)
    bench.pool.wait_s = 3.0
    bench.begin(streaming=True)
    waiting, gone, last = (bench.begin() for _ in range(3))
    gone.abort()
    bench.pool.sweep(3)
    assert not waiting.over
    bench.pool.sweep(4)
    for late in (waiting, last):
        assert isinstance(late.error, Overloaded)
        assert "overload.wait_s" in late.error.message
        assert late.error.retry_after_s == 1.0


def test_a_stream_that_the_caller_holds_back_is_not_idle(make: Make) -> None:
    """Paused streams have no idle deadline, but the total one."""
    bench = make()
    exchange = bench.begin(streaming=True)
    bench.transports[0].receive(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")
    exchange.pump(lambda _: None, 0.0)
    exchange.pause()
    bench.pool.sweep(50)
    assert not exchange.over
    bench.pool.sweep(101)
    assert "total_s" in error_of(exchange).message


def test_a_closed_pool_serves_who_still_calls(make: Make) -> None:
    """A reload closes a pool while a call is between two attempts: its next attempt is dialled, and closed after."""
    bench = make()
    bench.begin()
    bench.transports[0].receive(ANSWER)
    bench.pool.close()
    assert bench.transports[0].closing
    bench.transports[0].lose()
    exchange = bench.begin()
    assert exchange.connection is not None
    bench.transports[1].receive(ANSWER)
    assert exchange.done and bench.transports[1].closing
    assert bench.pool.idle_connections == 0


def test_a_provider_that_hangs_up_while_idle_is_forgotten(make: Make) -> None:
    """The next exchange dials anew."""
    bench = make()
    bench.begin()
    bench.transports[0].receive(ANSWER)
    bench.transports[0].lose()
    assert bench.pool.connections == bench.pool.idle_connections == 0
    bench.begin()
    assert len(bench.transports) == 2


def test_a_silent_stream_is_shown_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each time that it is silent for so long; not while the caller does not read, nor after its end."""
    bench = Bench(monkeypatch)
    exchange = bench.begin(streaming=True)
    shown: list[int] = []
    exchange.touched_s = bench.pool.tick_s
    bench.pool.in_silence(exchange, lambda: shown.append(1))
    for now_s, count in ((14.0, 0), (16.0, 1), (17.0, 1), (32.0, 2)):
        exchange.waiting_for = "total_s"
        bench.pool.sweep(now_s)
        assert len(shown) == count, now_s
    exchange.paused = True
    bench.pool.sweep(60.0)
    exchange.paused = False
    exchange.touched_s = 61.0
    bench.pool.sweep(62.0)
    assert len(shown) == 2
    bench.pool.forget_silence(exchange)
    bench.pool.forget_silence(exchange)
    bench.pool.sweep(90.0)
    assert len(shown) == 2
    exchange.abort()
