"""Status on the link: whole reports of each worker, lists of models when they have changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from asbru.app import worker_status
from asbru.app.worker_status import StatusBoard, StatusReporter
from asbru.cache import MemoryStore
from asbru.core.secret_text import SecretText
from asbru.pipeline import Load
from asbru.routing import Key
from asbru.routing.breaker import Breaker
from asbru.routing.breaker.breaker import CircuitName
from asbru.telemetry.status import KeyStatus, WorkerStatus
from asbru.upstream.credentials import FixedCredential


class Told:
    """A link that keeps what it is told."""

    def __init__(self) -> None:
        self.writable = True
        self.queued = 4
        self.reports: list[WorkerStatus] = []
        self.connect = lambda: None

    def on_connect(self, call: Any) -> None:
        """Each new connection."""
        self.connect = call

    def tell(self, subject: str, payload: bytes) -> bool:
        """Keep a report."""
        assert subject == worker_status.STATUS
        self.reports.append(msgspec.msgpack.decode(payload, type=WorkerStatus))
        return True


def key(name: str, **changed: object) -> Key:
    """A key of a provider."""
    made = Key(name, FixedCredential(SecretText("x").reveal().encode()), frozenset({"*"}), weight=1.0, aliases={})
    for field, value in changed.items():
        setattr(made, field, value)
    return made


@pytest.fixture
def rooms() -> Any:
    """A provider with three keys, one of which each state has, at 100 s."""
    keys = (
        key("good"),
        key("limited", limited_until_s=101.0),
        key("refused", refused_until_s=102.0, limited_models={"a": 105.0, "b": 1.0}),
    )
    breaker = Breaker()
    for _ in range(5):
        breaker.fail(CircuitName("acme", "gpt", "good"), 100.0)
    breaker.fail(CircuitName("acme", "fine", ""), 100.0)
    endpoint = SimpleNamespace(
        route=SimpleNamespace(name="acme", keys=keys),
        dialect=SimpleNamespace(name="openai_chat"),
        pool=SimpleNamespace(busy_connections=2, waiting=1),
        listed=None,
    )
    return SimpleNamespace(endpoints={"acme": endpoint}, breaker=breaker, clock=lambda: 100.0)


def reporter(link: Told, rooms: Any) -> StatusReporter:
    """The worker's side."""
    return StatusReporter(
        3,
        cast("Any", link),
        rooms=lambda: rooms,
        server=cast("Any", SimpleNamespace(connections={1, 2})),
        load=Load(lambda _: None),
        limits=cast("Any", SimpleNamespace(leases=5)),
        feed_version=lambda: 9,
        cache=MemoryStore(0),
    )


def test_a_report_says_how_providers_are(rooms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that cool down and circuits that are not closed, with their end in Unix time; what is well says little."""
    monkeypatch.setattr(worker_status.time, "time", lambda: 1000.0)
    link = Told()
    one = reporter(link, rooms)
    one.sweep(10.0, 0.25)
    one.sweep(10.75, 0.25)
    one.push()
    one.push()
    report, later = link.reports
    assert (report.index, report.open_connections, report.behind_rows, report.leases) == (3, 2, 4, 5)
    assert (report.feed_version, report.loop_lag_ms, later.loop_lag_ms) == (9, 500.0, 0.0)
    (provider,) = report.providers
    assert (provider.name, provider.in_flight, provider.queued) == ("acme", 2, 1)
    assert provider.keys == (
        KeyStatus("good"),
        KeyStatus("limited", "limited", 1_001_000),
        KeyStatus("refused", "refused", 1_002_000, 1),
    )
    assert [(one.target, one.state, one.until_ms) for one in provider.circuits] == [("gpt (good)", "open", 1_010_000)]


def test_lists_come_when_they_changed(rooms: Any) -> None:
    """And all of them to a new bookkeeper; nothing is told while it would not leave."""
    link = Told()
    one = reporter(link, rooms)
    rooms.endpoints["acme"].listed = ("x", "y")
    one.push()
    one.push()
    link.connect()
    one.push()
    rooms.endpoints["acme"].listed = ("z",)
    one.push()
    link.writable = False
    one.push()
    assert [report.listed for report in link.reports] == [
        {"acme": ("x", "y")},
        {},
        {"acme": ("x", "y")},
        {"acme": ("z",)},
    ]


def test_the_board_holds_the_last_report_of_each_worker() -> None:
    """With the lists that came before; one that has hung up is gone; there is a bound."""
    board = StatusBoard()

    def take(name: str, report: WorkerStatus) -> None:
        board.take(cast("Any", SimpleNamespace(incarnation=name)), msgspec.msgpack.encode(report))

    take("b", WorkerStatus(1, 2, 3, listed={"acme": ("x",)}))
    take("a", WorkerStatus(0, 1, 3))
    take("b", WorkerStatus(1, 2, 3, in_flight=7))
    read = msgspec.msgpack.decode(board.read(cast("Any", None)), type=list[WorkerStatus])
    assert [(one.index, one.in_flight, one.listed) for one in read] == [(0, 0, {}), (1, 7, {"acme": ("x",)})]
    board.part("b")
    board.part("never")
    assert [one.index for one in msgspec.msgpack.decode(board.read(cast("Any", None)), type=list[WorkerStatus])] == [
        0
    ]
    for number in range(worker_status.WORKERS_MAX + 5):
        take(f"w{number}", WorkerStatus(number, 1, 1))
    whole = msgspec.msgpack.decode(board.read(cast("Any", None)), type=list[WorkerStatus])
    assert len(whole) == worker_status.WORKERS_MAX
