"""What records and metrics cost, in process and end to end; prints, judges nothing.

    python -m bench.records_cost [--rows 200000] [--rate 5000] [--seconds 5]

In process: nanoseconds per call of what the path calls. End to end: a writer adds rows at a rate to a real bookkeeper;
CPU microseconds per row of either process, and the bookkeeper's memory.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop
from tests.fakes.books import Books, WorkerEnd

from asbru.core.usage import Usage
from asbru.records import query, usage_columns
from asbru.records.row import NO_CACHE, NO_UNITS
from asbru.telemetry import Meter

TURNS = 7


def print_ns(name: str, count: int, call: Callable[[], object]) -> None:
    """Nanoseconds per call, of the fastest of several turns, without what an empty lambda costs."""
    fastest = dict.fromkeys(("call", "empty"), float("inf"))
    for _ in range(TURNS):
        for kind, body in ("empty", lambda: None), ("call", call):
            begun = time.perf_counter_ns()
            for _ in range(count):
                body()
            fastest[kind] = min(fastest[kind], time.perf_counter_ns() - begun)
    print(f"{name:<28} {(fastest['call'] - fastest['empty']) / count:8.0f} ns")


def build_row(number: int, usage: Usage) -> tuple[object, ...]:
    """A row as the path builds it."""
    return (
        *(f"req_{1795000000000:011x}deadbeef{number:x}", 1795000000000, "openai.chat", "app-frontend", "openai"),
        *("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", "openai-key-1", 1, "", 200, "ok", "", ""),
        *usage_columns(usage),
        *("provider", 1234567, 43210, None, False, True, "", 1712, 10240),
        *("", "", "", True, "", *NO_UNITS, "", *NO_CACHE, "", "", "", ""),
    )


def in_process(count: int) -> None:
    """What the path pays."""
    loop = uvloop.new_event_loop()
    meter = Meter()
    writer = WorkerEnd(loop, "/nowhere", rows_max=10**9).writer
    usage = Usage(input=412, output=800, reasoning=100)
    row = build_row(0, usage)
    surface, provider, model, key, status, outcome = "openai.chat", "openai", "gpt", "k1", 200, "ok"

    def observe(first_us: int | None) -> None:
        meter.slot((surface, provider, model, key, status, outcome, "", "", "", "", ())).observe(
            43210, 210, usage, 1234567, first_us=first_us
        )

    print_ns("build the row", count, lambda: build_row(1, usage))
    print_ns("add", count, lambda: writer.add(row))
    writer._rows.clear()
    print_ns("slot + observe", count, lambda: observe(None))
    print_ns("slot + observe, stream", count, lambda: observe(1234))
    rows = [row] * 250
    encode = msgspec.msgpack.Encoder().encode
    print_ns("pack 250 rows", count // 250, lambda: encode(rows))
    loop.close()


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, by the scheduler's nanoseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def rss_mb(pid: int) -> float:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def end_to_end(rate: int, seconds: float) -> None:
    """What it costs from the tuple to the disk."""
    loop = asyncio.get_running_loop()
    usage = Usage(input=412, output=800)
    with Books() as books:
        print(f"{'bookkeeper, idle':<28} {rss_mb(books.pid):8.1f} MB")
        for label, batch in ("paced", rate // 200), ("nothing to add", 0):
            worker = WorkerEnd(loop, str(books.socket), Meter())
            worker.link.open()
            before = query.count(books.database)
            begun, ours, theirs = time.monotonic(), time.process_time(), cpu_s(books.pid)
            number = 0
            while time.monotonic() - begun < seconds:
                for _ in range(batch):
                    worker.add(build_row(before + number, usage))
                    number += 1
                await asyncio.sleep(0.005)
            left = await worker.close()
            ours, theirs = time.process_time() - ours, cpu_s(books.pid) - theirs
            written = query.count(books.database) - before
            assert left == 0
            assert written == number
            per = number or 1
            print(f"{label:<28} {number / seconds:8.0f} rows/s")
            print(f"{'  this process':<28} {ours / per * 1e6:8.2f} us/row, {ours:.3f} s (ticks included)")
            print(f"{'  bookkeeper':<28} {theirs / per * 1e6:8.2f} us/row, {theirs:.3f} s")
        print(f"{'bookkeeper, after':<28} {rss_mb(books.pid):8.1f} MB")
        await scrapes(loop, books)


async def scrapes(loop: asyncio.AbstractEventLoop, books: Books) -> None:
    """How long the answer to a scrape takes, with few series and with as many as there can be."""
    for series in 20, 1000:
        meter = Meter()
        for number in range(series):
            meter.slot(("openai.chat", "openai", f"m{number}", "k1", 200, "ok", "", "", "", "", ())).observe(
                1000, 10, Usage(input=1), 1, first_us=10
            )
        worker = WorkerEnd(loop, str(books.socket), meter)
        worker.link.open()
        for turn in "first", "again":
            got: asyncio.Future[bytes | None] = loop.create_future()
            begun = time.monotonic()
            worker.reporter.scrape(got.set_result)
            text = await got
            took_ms = (time.monotonic() - begun) * 1000
            print(f"{f'scrape, {series} series, {turn}':<28} {took_ms:8.1f} ms, {len(text or b'') / 1000:.0f} kB")
        await worker.close()
    print(f"{'bookkeeper, scraped':<28} {rss_mb(books.pid):8.1f} MB")


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    in_process(options.rows)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(end_to_end(options.rate, options.seconds))


if __name__ == "__main__":
    main()
