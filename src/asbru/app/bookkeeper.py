"""The bookkeeper: one niced process that owns the SQL of the hot path, and the sum of all workers' metrics.

    python -m asbru.app.bookkeeper --socket PATH --data-dir DIR [--drain-s 35]

Workers reach it by the link (`link.host`), whose tables of stores and handlers are filled in `build_host`, and only
there: what else is to be kept, answered or listened to is a line in it. It lives through a full disk, a locked database
and any worker's end. SIGTERM: go on until every worker has hung up, at most `--drain-s`, then exit 0; a second one ends
it after the next commit. Prints `ready` once it listens. Exit 2: the database is newer than this Asbru.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from asbru.app.arguments import read_arguments
from asbru.app.deliveries import Deliveries
from asbru.app.lifeline import end_with_supervisor
from asbru.app.metrics import REPORT, SCRAPE, MetricsCollector
from asbru.app.stored_feed import FEED_CHANGED, StoredFeed
from asbru.app.tools import relay
from asbru.app.tools.messages import ANSWERED, HERE
from asbru.app.worker_status import READ_STATUS, STATUS, StatusBoard
from asbru.cache import sql as cache_sql
from asbru.cache.sql import table as cache_table
from asbru.cluster import FEED_SUBJECT
from asbru.governance.ledger import claims
from asbru.governance.ledger import host as ledger_host
from asbru.link.host import Host
from asbru.link.peers import Peer
from asbru.mcp.manage import MANAGE_SUBJECT
from asbru.mcp.servers import AWAITED_SUBJECT, CREDENTIAL_SUBJECT, SESSION_SUBJECT
from asbru.mcp.servers.delivery import DELIVER_SUBJECT, TAKEN_SUBJECT
from asbru.mcp.servers.outside import OUTSIDE_SUBJECTS
from asbru.mcp.servers.subscriptions import (
    LISTENING_SUBJECT,
    OVER_SUBJECT,
    SUBSCRIBE_SUBJECT,
    SUBSCRIBED_SUBJECT,
    UPDATED_SUBJECT,
)
from asbru.records import row, store, upkeep
from asbru.records.bodies import store as body_store
from asbru.records.bodies import writer as bodies
from asbru.records.retention import SETTINGS
from asbru.records.tail import followers
from asbru.storage import DATABASE_NAME, NewerSchema, sqlite_url
from asbru.stored import SUBJECT as STORED
from asbru.stored import store as stored_table
from asbru.stored.responses import SUBJECT as RESPONSES
from asbru.stored.responses import table as response_table
from asbru.telemetry import log, names

NICENESS = 10
DRAIN_S = 35.0
LOOK_S = 1.0
"""How often it looks whether its socket is there, in seconds."""
EXIT_NEWER_SCHEMA = 2
_TOLD_ON = (AWAITED_SUBJECT, SUBSCRIBED_SUBJECT, UPDATED_SUBJECT, OVER_SUBJECT, *OUTSIDE_SUBJECTS)
"""What one process says to all workers."""
_ASKED_OF_TOOLS = (SESSION_SUBJECT, CREDENTIAL_SUBJECT, SUBSCRIBE_SUBJECT, LISTENING_SUBJECT, MANAGE_SUBJECT)
"""What the tools process answers."""


def build_host(socket_path: Path, data_dir: Path) -> Host:
    """The bookkeeper's end of the link: all that it keeps, answers and listens to, by name."""
    url = sqlite_url(data_dir / DATABASE_NAME)
    kept = upkeep.Upkeep(url)
    tail = followers.Followers()

    def tell_written(batches: list[bytes]) -> None:
        kept.tell_written()
        tail.tell(batches)

    records = store.RecordStore(url, pause_s=store.PAUSE_S, on_written=tell_written)

    def tell_all(subject: str, payload: bytes) -> None:
        host.broadcast(subject, payload)

    ledger = ledger_host.LedgerHost(url, tell_all)
    cache_entries = cache_table.CacheTable(url, tell_all)

    def read_own() -> Iterator[tuple[names.Metric, float]]:
        yield names.RECORDS_WRITTEN, records.written
        yield names.RECORDS_DROPPED, records.dropped
        yield names.RECORDS_HELD, records.held_bytes
        yield names.STORE_FAILURES, records.failures + ledger.failures + kept.failures
        yield names.LINK_REFUSED, host.refused
        yield names.WORKERS, host.workers

    metrics = MetricsCollector(read_own)
    feed = StoredFeed(url, tell_all)
    board = StatusBoard()
    tools = relay.Relay(partial(tell_all, HERE, b""))
    deliveries = Deliveries(lambda incarnation: host.peer_of(incarnation))  # noqa: PLW0108 -- it is made below
    host = Host(
        socket_path,
        stores={
            row.TABLE: records,
            claims.SETTLE: ledger,
            bodies.TABLE: body_store.BodyStore(url),
            cache_sql.ENTRIES: cache_entries,
            upkeep.NAME: kept,  # the last one: after what it folds
        },
        answers={
            SCRAPE: metrics.render,
            claims.TAKE: ledger.answer,
            FEED_SUBJECT: feed.tell_everything,
            FEED_CHANGED: feed.tell_changes,
            READ_STATUS: board.read,
            cache_sql.FIND: cache_entries.find,
            cache_sql.CLEAR: cache_entries.clear,
            cache_sql.GENERATION: cache_entries.tell_generation,
            STORED: stored_table.ObjectTable(url).answer,
            RESPONSES: response_table.ResponseTable(url).answer,
            **{subject: partial(tools.ask, subject) for subject in _ASKED_OF_TOOLS},
            DELIVER_SUBJECT: deliveries.ask,
        },
        listeners={
            REPORT: metrics.take,
            STATUS: board.take,
            claims.MEET: ledger.meet,
            followers.FOLLOW: tail.follow,
            SETTINGS: kept.take_settings,
            **{subject: partial(_tell_on, tell_all, subject) for subject in _TOLD_ON},
            HERE: tools.take_tools,
            ANSWERED: tools.take_answer,
            TAKEN_SUBJECT: deliveries.take_taken,
        },
        on_parted=(metrics.part, ledger.part, board.part, tail.part, tools.part, deliveries.part),
    )
    return host


def _tell_on(tell_all: Callable[[str, bytes], None], subject: str, _: Peer, payload: bytes) -> None:
    tell_all(subject, payload)


class Bookkeeper:
    """A host that serves until SIGTERM, and then until its workers are gone."""

    def __init__(self, host: Host, *, drain_s: float = DRAIN_S) -> None:
        self._host = host
        self._drain_s = drain_s
        self._wake, self._wake_write = socket.socketpair()
        self._ends_at_s: float | None = None
        self._look_at_s = 0.0

    def open(self) -> None:
        """Open the stores, listen, and take signals. Raises NewerSchema, and OSError when the socket cannot be had."""
        self._host.open()
        self._wake.setblocking(False)
        self._wake_write.setblocking(False)
        self._host.watch(self._wake, self._clear_wake)
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_sigterm)
        # Ctrl-C in a terminal reaches every process of the group; the supervisor decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def run(self) -> None:
        """Serve until told to end."""
        while not self._is_over():
            self._host.turn(self._patience_s())
            if self._ends_at_s is None:
                self._keep_listening()

    def close(self) -> None:
        """Write what is held, close everything, remove the socket."""
        self._host.close()
        signal.set_wakeup_fd(-1)
        self._wake.close()
        self._wake_write.close()

    def _clear_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake.recv(64)

    def _on_sigterm(self, *_: object) -> None:
        now_s = time.monotonic()
        self._ends_at_s = now_s + self._drain_s if self._ends_at_s is None else now_s

    def _is_over(self) -> bool:
        if self._ends_at_s is None:
            return False
        return self._host.is_deserted() or time.monotonic() >= self._ends_at_s

    def _keep_listening(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._look_at_s:
            self._look_at_s = now_s + LOOK_S
            self._host.keep_listening()

    def _patience_s(self) -> float:
        """How long to sleep at most."""
        ends_or_looks_s = self._look_at_s if self._ends_at_s is None else self._ends_at_s
        retry_s = self._host.retry_at_s
        return max(0.0, (ends_or_looks_s if retry_s is None else min(retry_s, ends_or_looks_s)) - time.monotonic())


def main(arguments: list[str] | None = None) -> int:
    """Run until told to end; returns the exit code."""
    given = read_arguments(arguments, required=("socket", "data-dir"), optional=("drain-s",))
    end_with_supervisor()
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    host = build_host(Path(given["socket"]), Path(given["data-dir"]))
    bookkeeper = Bookkeeper(host, drain_s=float(given.get("drain-s", DRAIN_S)))
    try:
        bookkeeper.open()
    except NewerSchema as error:
        log("error", "the bookkeeper cannot start", why=error)
        return EXIT_NEWER_SCHEMA
    except OSError as error:
        log("error", "the bookkeeper cannot listen", why=error)
        return 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    bookkeeper.run()
    bookkeeper.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
