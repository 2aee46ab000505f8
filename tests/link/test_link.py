"""The worker's end: what becomes of batches, questions and messages, whatever the bookkeeper does."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tests.fakes.books import Standin, WorkerEnd, connected, run, until

from asbru.core.future import Future
from asbru.link import batches, frames, link


def came(books: Standin, kind: int) -> list[frames.Frame]:
    """The frames of a kind that came."""
    return [frame for frame in books.frames if frame.kind == kind]


def test_it_says_who_it_is_first() -> None:
    """Each connection begins with the protocol's version and the same incarnation; two links never share one."""

    async def body() -> None:
        async with connected() as (books, _), connected() as (others, _):
            await until(lambda: books.frames and others.frames, "the first frames")
            await books.close()
            await books.open()
            await until(lambda: len(came(books, frames.HELLO)) == 2, "the second connection")
            first, second = came(books, frames.HELLO)
            assert first == second == books.frames[0]
            assert first.number == frames.PROTOCOL
            assert first.payload != others.frames[0].payload

    run(body())


def test_a_question_is_answered_once() -> None:
    """The answer to a number goes to whoever asked under it, whatever the order; a second answer is ignored."""

    async def body() -> None:
        async with connected() as (books, one):
            got: list[tuple[str, bytes | None]] = []
            for name in ("a", "b", "c"):
                one.link.ask("s", name.encode(), lambda reply, name=name: got.append((name, reply)), 60)
            await until(lambda: len(came(books, frames.ASK)) == 3, "the questions")
            asked = {frame.payload: frame.number for frame in came(books, frames.ASK)}
            books.send(frames.write_frame(frames.REPLY, asked[b"b"], payload=b"2"))
            books.send(frames.write_frame(frames.REPLY, asked[b"a"], payload=b"1"))
            books.send(frames.write_frame(frames.REPLY, asked[b"a"], payload=b"again"))
            books.send(frames.write_frame(frames.REFUSED, asked[b"c"]))
            await until(lambda: len(got) == 3, "the answers")
            assert got == [("b", b"2"), ("a", b"1"), ("c", None)]

    run(body())


def test_a_path_awaits_an_answer() -> None:
    """`fetch` is a future of the path's own kind; without a bookkeeper it is None."""

    async def body() -> None:
        async with connected() as (books, one):
            future = one.link.fetch("s", b"?", 60)
            await until(lambda: came(books, frames.ASK), "the question")
            assert not future.done
            books.send(frames.write_frame(frames.REPLY, came(books, frames.ASK)[0].number, payload=b"!"))
            await until(lambda: future.done, "the answer")
            assert _value(future) == b"!"
        late = one.link.fetch("s", b"?", 60)
        await until(lambda: late.done, "the end of a question to nobody")
        assert _value(late) is None

    run(body())


def _value(future: Future[bytes | None]) -> bytes | None:
    """What a future that is done would give to its path."""
    with pytest.raises(StopIteration) as stop:
        next(future.__await__())
    value: bytes | None = stop.value.value
    return value


def test_a_reply_never_comes_before_the_question_was_put() -> None:
    """`on_reply` is called later, also when the connection breaks under the very question."""

    async def body() -> None:
        async with connected() as (books, one):
            await until(lambda: books.frames, "the connection")
            got: list[bytes | None] = []
            assert one.link._socket is not None
            one.link._socket.shutdown(socket.SHUT_WR)
            one.link.ask("s", b"", got.append, 60)
            assert got == []
            await until(lambda: got == [None], "the answer")

    run(body())


def test_questions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than may wait is answered with None and not sent."""
    monkeypatch.setattr(link, "QUESTIONS_MAX", 2)

    async def body() -> None:
        async with connected() as (books, one):
            got: list[bytes | None] = []
            for _ in range(3):
                one.link.ask("s", b"", got.append, 60)
            await until(lambda: got == [None], "the answer to the third")
            await until(lambda: len(came(books, frames.ASK)) == 2, "the others")

    run(body())


def test_messages_are_dropped_while_away_and_while_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message is on its way or was dropped, and `tell` says which; what waits is bounded in bytes."""
    monkeypatch.setattr(link, "OUTBOX_BYTES_MAX", 2**20)

    async def body() -> None:
        async with connected() as (books, one):
            await until(lambda: books.frames, "the connection")
            books.pause()
            told = 0
            while one.link.tell("s", bytes(2**16)):
                told += 1
            assert not one.link.writable
            got: list[bytes | None] = []
            one.link.ask("s", bytes(2**16), got.append, 60)
            await until(lambda: got == [None], "the answer to what found no room")
            books.resume()
            await until(lambda: len(came(books, frames.TELL)) == told + 1, "the messages, and the metrics' one")
            await until(lambda: one.link.writable, "room")
            for _ in range(told):
                assert one.link.tell("s", bytes(2**16))
                await until(lambda: one.link.writable, "room")
            await books.close()
            await until(lambda: not one.link.connected, "the end")
            assert not one.link.tell("s", b"")

    run(body())


def test_pushes_reach_their_subscriber() -> None:
    """A message of the bookkeeper goes to the subject's subscriber; one that nobody wants does no harm."""

    async def body() -> None:
        async with connected() as (books, one):
            got: list[bytes] = []
            one.link.subscribe("feed", got.append)
            await until(lambda: books.frames, "the connection")
            for subject, payload in ("feed", b"1"), ("else", b"2"), ("feed", b"3"):
                books.send(frames.write_frame(frames.PUSH, 0, subject, payload))
            await until(lambda: len(got) == 2, "the messages")
            assert got == [b"1", b"3"]
            with pytest.raises(ValueError, match="'feed' is subscribed"):
                one.link.subscribe("feed", got.append)

    run(body())


def test_every_connection_begins_with_what_its_owners_tell() -> None:
    """What `on_connect` says is said after the hello of every connection."""

    async def body() -> None:
        async with connected() as (books, one):
            one.link.on_connect(lambda: one.link.tell("all of it", b"") and None)
            await until(lambda: books.frames, "the first connection")
            await books.close()
            await until(lambda: not one.link.connected, "its end")
            books.frames.clear()
            await books.open()
            await until(lambda: len(books.frames) == 3, "the second")
            assert [frame.kind for frame in books.frames] == [frames.HELLO, frames.TELL, frames.TELL]
            assert books.frames[2].name == "all of it"

    run(body())


def test_a_table_that_is_not_acknowledged_holds_up_no_other() -> None:
    """Each table has its own window and numbers: while one is full, the other's batches come and are forgotten."""

    async def body() -> None:
        async with connected() as (books, one):
            stuck, other = one.link.batches("stuck"), one.link.batches("other")
            books.deaf_to.add("stuck")
            for _ in range(8):
                assert stuck.add(bytes(batches.WINDOW_BYTES_MAX // 2), 1)
            assert other.add(b"x", 1)
            stuck.flush()
            await until(lambda: other.rows == 0, "the other's acknowledgement")
            assert (stuck.rows, one.link.queued) == (8, 8)
            assert [frame.number for frame in came(books, frames.BATCH) if frame.name == "other"] == [1]
            assert len([1 for frame in came(books, frames.BATCH) if frame.name == "stuck"]) == 2
            books.deaf_to.clear()
            await books.close()
            await books.open()
            await until(lambda: one.link.queued == 0, "all of it")

    run(body())


def test_a_table_has_one_way_in() -> None:
    """Two owners of one table would count the same numbers: refused."""

    async def body() -> None:
        one = WorkerEnd(asyncio.get_running_loop(), "/nowhere/book.sock")
        with pytest.raises(ValueError, match="'requests' has its batches"):
            one.link.batches("requests")

    run(body())


def test_closing_waits_for_every_table(capfd: pytest.CaptureFixture[str]) -> None:
    """`close` returns when all tables are acknowledged, or when nothing was for a while: what is left, by table."""

    async def body() -> None:
        async with connected() as (books, one):
            fine, stuck = one.link.batches("fine"), one.link.batches("stuck")
            books.deaf_to.add("stuck")
            for batches_of in (fine, stuck):
                assert batches_of.add(b"x", 3)
            assert await one.link.close(0.2) == 3
            assert fine.rows == 0
        async with connected() as (books, one):
            soon, late = one.link.batches("soon"), one.link.batches("late")
            books.deaf_to.add("late")
            for batches_of in (soon, late):
                assert batches_of.add(b"x", 1)
            closing = asyncio.create_task(one.link.close())
            await until(lambda: soon.rows == 0, "the first acknowledgement")
            assert not closing.done()
            books.send(frames.write_frame(frames.ACK, 1, "late"))
            assert await closing == 0

    run(body())
    said = capfd.readouterr().err
    assert "some rows were not acknowledged before the end table=stuck rows=3" in said
    assert "table=fine" not in said


def test_closing_waits_while_rows_are_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly: its patience counts from the last acknowledgement, and it says that it still waits."""
    monkeypatch.setattr(link, "CLOSE_TURN_S", 0.01)

    async def body() -> None:
        async with connected() as (books, one):
            slow = one.link.batches("slow")
            books.deaf_to.add("slow")
            for _ in range(4):
                assert slow.add(b"x", 1)
            turns: list[int] = []
            closing = asyncio.create_task(one.link.close(0.2, lambda: turns.append(slow.rows)))
            for number in range(1, 5):
                at = len(turns) + 10
                await until(lambda at=at: len(turns) >= at or closing.done(), "half of its patience")
                assert not closing.done()
                books.send(frames.write_frame(frames.ACK, number, "slow"))
                await until(lambda left=4 - number: slow.rows == left, "the acknowledgement")
            assert await closing == 0

    run(body())


def test_a_closed_link_stays_closed() -> None:
    """After `close` nothing is asked, told or opened."""

    async def body() -> None:
        async with connected() as (books, one):
            await until(lambda: books.frames, "the connection")
            assert await one.link.close() == 0
            one.link.open()
            got: list[bytes | None] = []
            one.link.ask("s", b"", got.append, 60)
            await until(lambda: got == [None], "the answer")
            assert not one.link.connected
            assert not one.link.tell("s", b"")
            assert books.connections == 1

    run(body())
