"""The bookkeeper as a process: killed, ended, starved of disk, asked by several workers."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.books import ENVIRONMENT, WAIT_S, Books, WorkerEnd, row, row_id, run, until

from asbru.cluster import Feed, follow_store
from asbru.core.usage import Usage
from asbru.link import frames
from asbru.link.link import Link
from asbru.records import query
from asbru.storage import open_database
from asbru.telemetry import Meter

LABELS = ("openai.chat", "openai", "gpt", "k1", 200, "ok", "", "", "", "", ())


@pytest.fixture
def books() -> Iterator[Books]:
    """A running bookkeeper."""
    with Books() as one:
        yield one


def worker(books: Books, meter: Meter | None = None) -> WorkerEnd:
    """A worker's end, opened."""
    one = WorkerEnd(asyncio.get_running_loop(), str(books.socket), meter)
    one.link.open()
    return one


async def scrape(one: WorkerEnd) -> str:
    """The text of /metrics."""
    got: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    one.reporter.scrape(got.set_result)
    text = await got
    assert text is not None
    return text.decode()


def value(text: str, series: str) -> float | None:
    """The value of a series in Prometheus text; None when it is not there."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def test_the_feed_is_answered(books: Books) -> None:
    """A worker that follows the store learns where it stands, though nothing is stored yet."""

    async def body() -> None:
        loop = asyncio.get_running_loop()
        link, feed = Link(loop, str(books.socket)), Feed()
        follow_store(feed, link, loop.call_later)
        link.open()
        await until(lambda: feed.version == 0, "the answer")
        await link.close()

    run(body())


def test_kill_under_load_loses_and_doubles_nothing(books: Books) -> None:
    """Killed three times while rows pour in, the bookkeeper ends up with each row exactly once."""

    async def body() -> None:
        one = worker(books)
        added = 0

        async def pour(rows: int) -> None:
            nonlocal added
            for _ in range(rows):
                one.add(row(added))
                added += 1
                if added % 50 == 0:
                    await asyncio.sleep(0)

        for _ in range(3):
            before = query.count(books.database)
            await pour(2000)
            await until(lambda at=before: query.count(books.database) > at, "the first rows of this life")
            await pour(1000)
            books.kill()
            await pour(1000)
            await asyncio.to_thread(books.start)
        await until(lambda: one.writer.queued == 0, "all acknowledgements")
        assert one.writer.shed == 0
        assert query.count(books.database) == added == 12_000
        assert await one.close() == 0

    run(body())


WRITER = """
import asyncio, os, sys, time
sys.path.insert(0, sys.argv[2])
from tests.fakes.books import WorkerEnd, row
async def main():
    loop = asyncio.get_running_loop()
    worker = WorkerEnd(loop, sys.argv[1])
    worker.link.open()
    number = 0
    while True:
        for _ in range(5):
            worker.add(row(number))
            os.write(1, f"{number} {loop.time()}\\n".encode())
            number += 1
        await asyncio.sleep(0.002)
asyncio.run(main())
"""


def test_kill_of_a_worker_loses_its_last_moment_only(books: Books) -> None:
    """kill -9 of a worker loses at most what was added within the last flush; everything older is written."""
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(books.socket), root], stdout=subprocess.PIPE, env=ENVIRONMENT
    )
    assert process.stdout is not None
    lines: list[bytes] = []
    while len(lines) < 2000:
        lines.append(process.stdout.readline())
    process.kill()
    lines += process.stdout.read().splitlines()
    process.wait(WAIT_S)
    process.stdout.close()
    added = [(int(number), float(at_s)) for number, at_s in (line.split() for line in lines)]
    last_s = added[-1][1]
    # The promise is 50 ms; the rest is the granularity of a loop on a shared machine.
    old = {row_id(number) for number, at_s in added if at_s < last_s - 0.2}

    async def body() -> None:
        await until(lambda: query.count(books.database) >= len(old), "the rows")

    run(body())
    found = {one["id"] for one in query.latest(books.database, 10_000)}
    assert old <= found <= {row_id(number) for number, _ in added}
    assert len(old) > 1000


def test_two_workers_write_side_by_side(books: Books) -> None:
    """Rows of two workers all arrive."""

    async def body() -> None:
        workers = [worker(books), worker(books)]
        for number in range(1000):
            workers[number % 2].add(row(number))
        assert [await one.close() for one in workers] == [0, 0]
        assert query.count(books.database) == 1000

    run(body())


def test_a_scrape_sums_the_workers(books: Books) -> None:
    """Counters are summed and stay when a worker ends; gauges are of the living; a new bookkeeper learns all again."""

    async def body() -> None:
        meters = [Meter(), Meter()]
        workers = [worker(books, meter) for meter in meters]
        usage = Usage(input=100, output=7)
        for meter in meters:
            meter.slot(LABELS).observe(1500, 90, usage, 2_000_000_000, first_us=700)
        for one in workers:
            one.reporter.push()
        rest = 'provider="openai",status="200",surface="openai.chat",team="",virtual_key=""'
        series = f'asbru_calls_total{{customer="",key="k1",model="gpt",outcome="ok",{rest}}}'
        named = 'customer="",key="k1",model="gpt",provider="openai",surface="openai.chat",team="",virtual_key=""'
        cost = f"asbru_cost_usd_total{{{named}}}"
        text = ""

        async def scraped(calls: float) -> bool:
            nonlocal text
            text = await scrape(workers[0])
            return value(text, series) == calls

        while not await scraped(2):
            pass
        assert value(text, cost) == 4
        assert value(text, "asbru_workers") == 2
        await workers[1].close()
        meters[0].slot(LABELS).observe(1500, 90, None, None)
        while not await scraped(3) or value(text, "asbru_workers") != 1:
            pass
        books.kill()
        await until(lambda: not workers[0].link.connected, "the worker to notice")
        await asyncio.to_thread(books.start)
        await until(lambda: workers[0].link.connected, "the worker to be back")
        # What the other worker counted died with the bookkeeper: a counter reset, which Prometheus knows.
        assert await scraped(2)
        await workers[0].close()

    run(body())


def test_sigterm_waits_for_the_workers(books: Books) -> None:
    """After SIGTERM rows are still taken until the workers hang up; then it exits 0 and removes its socket."""

    async def body() -> None:
        one = worker(books)
        one.add(row(1))
        await until(lambda: one.writer.queued == 0, "the first row")
        os.kill(books.pid, signal.SIGTERM)
        one.add(row(2))
        assert await one.close() == 0

    run(body())
    assert books.process is not None
    assert books.process.wait(WAIT_S) == 0
    assert query.count(books.database) == 2
    assert not books.socket.exists()


def test_sigterm_does_not_wait_for_ever(books: Books) -> None:
    """A worker that never hangs up is waited for until the deadline; a second SIGTERM ends it at once."""
    books.kill()
    for arguments, signals in (("--drain-s", "0.1"), 1), ((), 2):
        books.start(*arguments)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(books.socket))
            for _ in range(signals):
                os.kill(books.pid, signal.SIGTERM)
                if signals == 2:
                    # Two signals at the same moment are one to the kernel.
                    run(until(lambda: b"0000000000004000" not in _pending(books.pid), "the signal to be taken"))
            assert books.process is not None
            assert books.process.wait(WAIT_S) == 0


def _pending(pid: int) -> bytes:
    """The SigPnd and ShdPnd lines: signals that were sent and not yet taken."""
    status = Path(f"/proc/{pid}/status").read_bytes()
    return b"".join(line for line in status.splitlines() if line.startswith((b"SigPnd", b"ShdPnd")))


def test_a_full_disk_is_survived(books: Books) -> None:
    """While the disk takes nothing rows wait, told once; when there is room they are written, each once."""

    async def body() -> None:
        one = worker(books)
        one.add(row(0))
        await until(lambda: one.writer.queued == 0, "the first row")
        # The kernel refuses to let any file grow: what a full disk does.
        _, hard = resource.prlimit(books.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(books.pid, resource.RLIMIT_FSIZE, (4096, hard))
        for number in range(1, 2000):
            one.add(row(number))
        await until(lambda: "kept in memory" in books.errors.read_text(), "the complaint")
        assert one.writer.queued > 0
        resource.prlimit(books.pid, resource.RLIMIT_FSIZE, (hard, hard))
        await until(lambda: one.writer.queued == 0, "the rows to be written")
        assert query.count(books.database) == 2000
        assert "records can be written again" in books.errors.read_text()
        assert books.errors.read_text().count("kept in memory") == 1
        await one.close()

    run(body())


def test_nonsense_ends_the_connection_only(books: Books) -> None:
    """Whoever speaks something else is cut off; others are served."""
    for nonsense in (
        b"\xff" * 64,
        frames.write_frame(frames.BATCH, 1, "requests"),
        frames.write_frame(frames.HELLO, 99, payload=b"me"),
    ):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(WAIT_S)
            connection.connect(str(books.socket))
            connection.sendall(nonsense)
            assert connection.recv(1) == b""
    assert books.errors.read_text().count("does not follow the protocol") == 3

    async def body() -> None:
        one = worker(books)
        one.add(row(1))
        assert await one.close() == 0

    run(body())


def test_a_newer_worker_is_served(books: Books) -> None:
    """A table and a question that this bookkeeper does not know are let go and counted; records go on."""

    async def body() -> None:
        one = worker(books)
        rows = one.link.batches("from_the_future")
        assert rows.add(b"x", 1)
        got: list[bytes | None] = []
        one.link.ask("future.question", b"", got.append, WAIT_S)
        one.add(row(1))
        await until(lambda: one.link.queued == 0 and got == [None], "the acknowledgements and the refusal")
        assert value(await scrape(one), "asbru_link_refused_total") == 2
        assert await one.close() == 0

    run(body())
    assert query.count(books.database) == 1


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(books: Books) -> None:
    """The file that kill -9 leaves is no obstacle; a second bookkeeper on a live socket gives up with words."""
    second = books.spawn()
    assert second.wait(WAIT_S) == 1
    assert second.stdout is not None
    second.stdout.close()
    assert "is served by another process" in books.errors.read_text()
    books.kill()
    assert books.socket.exists()
    books.start()
    assert books.socket.stat().st_mode & 0o077 == 0
    assert books.end() == 0


def test_a_socket_that_was_removed_is_made_anew(books: Books) -> None:
    """By whoever tidies temporary files: workers that start later reach the bookkeeper, and those that are connected
    stay so."""

    async def body() -> None:
        before = worker(books)
        await scrape(before)
        books.socket.unlink()
        await until(books.socket.exists, "the socket")
        assert books.socket.stat().st_mode & 0o077 == 0
        after = worker(books)
        async with asyncio.timeout(60):  # until both have reported: it answers at most once a second
            while value(await scrape(after), "asbru_workers") != 2:
                pass
        assert await before.close() == 0 and await after.close() == 0

    run(body())
    assert "created it again" in books.errors.read_text()


def test_a_newer_database_is_refused(books: Books) -> None:
    """A database of a newer Asbru: exit 2 and a line that says what to do."""
    assert books.end() == 0
    database = open_database(books.database)
    database.set_schema_version(999)
    database.close()
    again = books.spawn()
    assert again.wait(WAIT_S) == 2
    assert again.stdout is not None
    again.stdout.close()
    assert "start the newer Asbru again" in books.errors.read_text()


def test_it_is_small_and_nice(books: Books) -> None:
    """Niced by ten, and under 25 MB before anybody scrapes."""
    assert os.getpriority(os.PRIO_PROCESS, books.pid) == 10
    pages = int(Path(f"/proc/{books.pid}/statm").read_text().split()[1])
    assert pages * os.sysconf("SC_PAGE_SIZE") < 25 * 2**20
