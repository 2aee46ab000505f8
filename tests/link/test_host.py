"""The bookkeeper's end, over real sockets: stores and handlers that nobody else knows, and workers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes.books import WAIT_S, run, until

from asbru.link import frames, peers
from asbru.link import host as host_module
from asbru.link.host import Host
from asbru.link.link import Link
from asbru.link.peers import Peer, Question


class MemoryStore:
    """A table in memory. While `full` it commits nothing."""

    def __init__(self) -> None:
        self.retry_at_s: float | None = None
        self.full = False
        self.held: list[bytes] = []
        self.kept: list[bytes] = []
        self.commits: list[int] = []
        self.life: list[str] = []

    def open(self) -> None:
        self.life.append("open")

    def keep(self, batch: bytes) -> None:
        self.held.append(batch)

    def commit(self, now_s: float) -> bool:
        if self.full and now_s != float("inf"):
            return False
        if self.held:
            self.commits.append(len(self.held))
        self.kept += self.held
        self.held.clear()
        return True

    def close(self) -> None:
        self.life.append("close")


class Leases:
    """A made-up lease: workers take slices of `left` and give them back, or lose them with their life."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.taken: dict[str, int] = {}
        self.waiting: list[tuple[int, Question]] = []
        self.on_change: Callable[[int], None] = lambda _: None

    def take(self, question: Question) -> bytes | None:
        """As many as are asked for; who asks for more than is left waits until it is there."""
        wanted = int(question.payload)
        if wanted > self.left:
            self.waiting.append((wanted, question))
            return None
        self._move(question.peer.incarnation, wanted)
        return b"%d" % wanted

    def give(self, peer: Peer, payload: bytes) -> None:
        """Give back."""
        self._move(peer.incarnation, -int(payload))
        for wanted, question in self.waiting[:]:
            if wanted <= self.left:
                self.waiting.remove((wanted, question))
                self._move(question.peer.incarnation, wanted)
                question.reply(b"%d" % wanted)

    def part(self, incarnation: str) -> None:
        """All that a worker had."""
        self._move(incarnation, -self.taken.pop(incarnation, 0))

    def _move(self, incarnation: str, count: int) -> None:
        self.taken[incarnation] = self.taken.get(incarnation, 0) + count
        self.left -= count
        self.on_change(self.left)


class Rig:
    """A host with a made-up table and made-up leases, turned by the test: this is all that adding them takes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "book.sock"
        self.tools, self.other = MemoryStore(), MemoryStore()
        self.leases = Leases(10)
        self.events: list[str] = []
        self.host = Host(
            self.path,
            stores={"tool_calls": self.tools, "other": self.other},
            answers={
                "lease.take": self.leases.take,
                "count": lambda _: b"%d" % len(self.tools.kept),
                "bug": lambda _: b"%d" % (1 // 0),
            },
            listeners={"lease.give": self.leases.give},
            on_parted=(self.leases.part, self.events.append),
        )
        self.leases.on_change = lambda left: self.host.broadcast("lease.left", b"%d" % left)
        self.host.open()

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Turn the host until the condition holds."""
        await until(lambda: [self.host.turn(0), condition()][1], what)

    def link(self, **options: str) -> Link:
        """A worker's end, opened."""
        one = Link(asyncio.get_running_loop(), str(self.path), **options)
        one.open()
        return one

    def raw(self, incarnation: str = "raw") -> socket.socket:
        """A connection that speaks frames by hand; it has said who it is."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(WAIT_S)
        connection.connect(str(self.path))
        connection.sendall(frames.write_frame(frames.HELLO, frames.PROTOCOL, payload=incarnation.encode()))
        for _ in ("accept", "hello"):
            self.host.turn(0)
        return connection


@pytest.fixture
def rig() -> Iterator[Rig]:
    """An open host."""
    # Not pytest's folder: the path of a Unix socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="asbru-books-") as folder:
        one = Rig(Path(folder))
        yield one
        with contextlib.suppress(ValueError):
            one.host.close()


def received(connection: socket.socket) -> list[frames.Frame]:
    """What has come so far."""
    connection.setblocking(False)
    cut, got = frames.FrameReader(), list[frames.Frame]()
    with contextlib.suppress(BlockingIOError):
        while data := connection.recv(65536):
            got += cut.feed(data)
    return got


def test_a_lease_and_a_table_are_lines_where_the_host_is_built(rig: Rig) -> None:
    """Taking, waiting, giving back, being told what is left, losing all with a worker's life; rows of another table
    meanwhile. Nothing but the building of the host knows of it."""

    async def body() -> None:
        first, second = rig.link(), rig.link()
        left: list[bytes] = []
        second.subscribe("lease.left", left.append)
        rows = first.batches("tool_calls")
        await rig.until(lambda: rig.host.workers == 2, "both")
        got: list[bytes | None] = []
        first.ask("lease.take", b"7", got.append, 60)
        assert rows.add(b"a row", 1)
        rows.flush()
        await rig.until(lambda: got == [b"7"] and rows.rows == 0, "the first lease, and the row")
        future = second.fetch("lease.take", b"5", 60)
        await rig.until(lambda: rig.leases.waiting, "the second to wait")
        assert not future.done
        assert first.tell("lease.give", b"4")
        await rig.until(lambda: future.done, "the second lease")
        await rig.until(lambda: left == [b"3", b"7", b"2"], "what is left")
        await first.close()
        await rig.until(lambda: rig.leases.left == 5, "the first worker's death")
        assert rig.tools.kept == [b"a row"]
        await second.close()

    run(body())


def test_batches_of_a_turn_are_committed_together_and_then_acknowledged(rig: Rig) -> None:
    """One commit per store for all that came in a turn; each worker is told the newest number of each table."""
    ours, theirs = rig.raw("one"), rig.raw("two")
    with ours, theirs:
        for number in (1, 2):
            ours.sendall(frames.write_frame(frames.BATCH, number, "tool_calls", b"x"))
            ours.sendall(frames.write_frame(frames.BATCH, number, "other", b"x"))
        theirs.sendall(frames.write_frame(frames.BATCH, 7, "tool_calls", b"x"))
        rig.host.turn(0)
        rig.host.turn(0)
        assert (rig.tools.commits, rig.other.commits) == ([3], [2])
        acked = [(frame.kind, frame.number, frame.name) for frame in received(ours)]
        assert acked == [(frames.ACK, 2, "tool_calls"), (frames.ACK, 2, "other")]
        assert [frame.number for frame in received(theirs)] == [7]


def test_nothing_is_acknowledged_before_it_is_committed(rig: Rig) -> None:
    """A store that refuses leaves its own batches unacknowledged, and no other's."""
    with rig.raw() as connection:
        rig.tools.full = True
        for number, table in (1, "tool_calls"), (1, "other"):
            connection.sendall(frames.write_frame(frames.BATCH, number, table, b"x"))
        rig.host.turn(0)
        assert [frame.name for frame in received(connection)] == ["other"]
        rig.tools.full = False
        rig.host.turn(0)
        assert [frame.name for frame in received(connection)] == ["tool_calls"]


def test_rows_do_not_wait_behind_many_questions(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait and however long each takes: after some time of answering what came meanwhile is kept."""
    monkeypatch.setattr(host_module, "ANSWERING_S", 0.0)
    with rig.raw() as connection:
        connection.sendall(b"".join(frames.write_frame(frames.ASK, number, "count") for number in range(1, 4)))
        rig.host.turn(0)
        connection.sendall(frames.write_frame(frames.BATCH, 1, "tool_calls", b"x"))
        rig.host.turn(None)
        assert rig.tools.kept == [b"x"]
        rig.host.turn(None)
        told = [(frame.kind, frame.number, frame.payload) for frame in received(connection)]
        assert told == [
            (frames.REPLY, 1, b"0"),
            (frames.ACK, 1, b""),
            (frames.REPLY, 2, b"1"),
            (frames.REPLY, 3, b"1"),
        ]


def test_an_answer_comes_after_what_was_sent_before_is_kept(rig: Rig) -> None:
    """A question that arrives with a batch sees it committed."""
    with rig.raw() as connection:
        connection.sendall(
            frames.write_frame(frames.BATCH, 1, "tool_calls", b"x") + frames.write_frame(frames.ASK, 3, "count")
        )
        rig.host.turn(0)
        acknowledged, answer = received(connection)
        assert acknowledged.kind == frames.ACK
        assert (answer.kind, answer.number, answer.payload) == (frames.REPLY, 3, b"1")


def test_what_nobody_knows_is_let_go(rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
    """An unknown table is acknowledged, an unknown question refused, an unknown message ignored: logged once a name,
    counted each time, and the worker is served on."""

    async def body() -> None:
        one = rig.link()
        rows = one.batches("from_the_future")
        for _ in range(2):
            got: list[bytes | None] = []
            assert rows.add(b"x", 1)
            one.ask("future.question", b"", got.append, 60)
            assert one.tell("future.message", b"")
            await rig.until(lambda got=got: got == [None] and rows.rows == 0, "the refusals")
        one.ask("count", b"", got.append, 60)
        await rig.until(lambda: got == [None, b"0"], "an answer to what is known")
        await one.close()

    run(body())
    assert rig.host.refused == 6
    said = capfd.readouterr().err
    assert said.count("does not know") == 3
    assert "sent a table that this bookkeeper does not know name=from_the_future" in said


def test_a_handler_that_fails_ends_nothing(rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
    """A handler's error is logged and counted, its question refused, and others are served on."""

    async def body() -> None:
        one = rig.link()
        got: list[bytes | None] = []
        one.ask("bug", b"", got.append, 60)
        one.ask("lease.take", b"no number", got.append, 60)
        assert one.tell("lease.give", b"no number")
        one.ask("count", b"", got.append, 60)
        await rig.until(lambda: len(got) == 3, "the answers")
        assert got == [None, None, b"0"]
        await one.close()

    run(body())
    assert rig.host.refused == 3
    said = capfd.readouterr().err
    assert "a question from a worker could not be read name=bug" in said
    assert "ZeroDivisionError" in said
    assert "a message from a worker could not be read name=lease.give" in said


def test_a_worker_that_reads_nothing_is_hung_up_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a worker is bounded; beyond it the connection ends, and what it had sent before is kept.
    Nothing is pushed to one that has not said who it is."""
    monkeypatch.setattr(peers, "OUTBOX_BYTES_MAX", 2**20)
    with rig.raw("") as stranger, rig.raw() as connection:
        connection.sendall(frames.write_frame(frames.BATCH, 1, "tool_calls", b"x"))
        for _ in range(64):
            rig.host.broadcast("noise", bytes(2**16))
        for _ in range(2):
            rig.host.turn(0)
        assert rig.events == ["raw"]
        assert rig.tools.kept == [b"x"]
        assert received(stranger) == []


def test_a_worker_has_parted_when_its_last_connection_ends(rig: Rig) -> None:
    """A worker that is back before the end of its old connection was seen has not parted."""
    first, second = rig.raw("same"), rig.raw("same")
    first.close()
    rig.host.turn(0)
    assert rig.events == []
    assert rig.host.workers == 1
    second.close()
    rig.host.turn(0)
    assert rig.events == ["same"]
    assert rig.host.is_deserted()


def test_nobody_answers_to_a_worker_that_is_gone(rig: Rig) -> None:
    """A reply after the connection's end goes nowhere; a question of one that was hung up on is not looked at."""
    with rig.raw() as connection:
        connection.sendall(frames.write_frame(frames.ASK, 1, "lease.take", b"99"))
        rig.host.turn(0)
    rig.host.turn(0)
    [(_, question)] = rig.leases.waiting
    question.reply(b"99")
    with rig.raw() as connection:
        connection.sendall(frames.write_frame(frames.ASK, 1, "lease.take", b"1"))
        connection.sendall(frames.write_frame(frames.ACK, 1))
        rig.host.turn(0)
    assert rig.events == ["raw", "raw"]
    assert rig.leases.left == 10


def test_closing_writes_what_is_held(rig: Rig) -> None:
    """The last commit is told that it is the last; stores are opened and closed once."""
    with rig.raw() as connection:
        rig.tools.full = True
        connection.sendall(frames.write_frame(frames.BATCH, 1, "tool_calls", b"x"))
        rig.host.turn(0)
        rig.host.close()
        assert [frame.kind for frame in received(connection)] == [frames.ACK]
    assert rig.tools.kept == [b"x"]
    assert rig.tools.life == rig.other.life == ["open", "close"]
    assert not rig.path.exists()


def test_the_next_turn_is_due_when_the_first_store_wants_it(rig: Rig) -> None:
    """The soonest of what the stores ask for; None when none does."""
    assert rig.host.retry_at_s is None
    rig.other.retry_at_s = 7.0
    assert rig.host.retry_at_s == 7.0
    rig.tools.retry_at_s = 5.0
    assert rig.host.retry_at_s == 5.0


def test_a_directory_that_cannot_be_made_anew_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Until it can; then the host listens again."""
    folder = tmp_path / "run"
    folder.mkdir()
    host = Host(folder / "s", stores={}, answers={}, listeners={})
    host.open()
    (folder / "s").unlink()
    folder.rmdir()
    folder.write_text("in the way")
    host.keep_listening()
    host.keep_listening()
    assert capfd.readouterr().err.count("cannot be created again") == 1
    folder.unlink()
    host.keep_listening()
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(folder / "s"))
    assert folder.stat().st_mode & 0o777 == 0o700
    host.close()
