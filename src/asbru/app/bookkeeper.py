"""The bookkeeper: one niced process that owns the SQL of the hot path, and the sum of all workers' metrics.

    python -m asbru.app.bookkeeper --socket PATH --data-dir DIR [--drain-s 35]

Workers connect to its Unix socket and send frames (`records.frames`). One turn of the loop: read every socket that is
ready, write all batches that came in one transaction, acknowledge them. It lives through a full disk, a locked
database and any worker's end. Plain `selectors`: it has nothing to do concurrently, and is to stay small. SIGTERM: go
on until every worker has hung up, at most `--drain-s`, then exit 0; a second one ends it after the next commit.
Prints `ready` once it listens. Exit 2: the database is newer than this Asbru.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path

from asbru.app.arguments import read_arguments
from asbru.app.lean import msgspec
from asbru.app.lifeline import end_with_supervisor
from asbru.records import frames, store
from asbru.storage import DATABASE_NAME, NewerSchema
from asbru.telemetry import Collected, log, merge, names

NICENESS = 10
DRAIN_S = 35.0
CONNECTIONS_MAX = 1024
RECV_BYTES = 256 * 1024
OUTBOX_BYTES_MAX = 64 * 1024 * 1024
EXIT_NEWER_SCHEMA = 2


class Peer:
    """One connection of a worker. `held` is the number of its newest batch that is not committed yet; 0 for none."""

    __slots__ = ("connection", "held", "incarnation", "outbox", "reader")

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.reader = frames.FrameReader()
        self.incarnation = ""
        self.held = 0
        self.outbox = bytearray()


class Bookkeeper:
    """See the module."""

    def __init__(self, socket_path: Path, data_dir: Path, *, drain_s: float = DRAIN_S) -> None:
        self._socket_path = socket_path
        self._drain_s = drain_s
        self._store = store.RecordStore(data_dir / DATABASE_NAME)
        self._totals = merge.Totals()
        self._decode_delta = msgspec.msgpack.Decoder(Collected).decode
        self._selector = selectors.DefaultSelector()
        self._peers: set[Peer] = set()
        self._replies: deque[tuple[Peer, int]] = deque()
        self._listener: socket.socket | None = None
        self._wake, self._wake_write = socket.socketpair()
        self._ends_at_s: float | None = None

    def open(self) -> None:
        """Open the database and listen. Raises NewerSchema, and OSError when the socket cannot be had."""
        self._store.open()
        with contextlib.suppress(FileNotFoundError):
            # A socket file without a listener is what kill -9 leaves; one with a listener is somebody's.
            if _is_served(self._socket_path):
                raise OSError(f"{self._socket_path} is served by another process")
            self._socket_path.unlink()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self._listener.bind(str(self._socket_path))
        finally:
            os.umask(before)
        self._listener.listen(128)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._wake.setblocking(False)
        self._wake_write.setblocking(False)
        self._selector.register(self._wake, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_sigterm)
        # Ctrl-C in a terminal reaches every process of the group; the supervisor decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def run(self) -> None:
        """Serve until told to end."""
        while not self._is_over():
            self.turn(self._patience_s())

    def turn(self, patience_s: float | None) -> None:
        """One turn of the loop: read, commit, acknowledge, answer."""
        for key, events in self._selector.select(patience_s):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._wake:
                with contextlib.suppress(BlockingIOError):
                    self._wake.recv(64)
            else:
                self._serve(key.data, events)
        if self._store.commit(time.monotonic()):
            for peer in self._peers:
                if peer.held:
                    self._send(peer, frames.write_frame(frames.ACK, peer.held))
                    peer.held = 0
        # After the commit: rendering may take a while, and rows should not wait for it.
        while self._replies:
            self._scrape(*self._replies.popleft())

    def close(self) -> None:
        """Write what is held, close everything, remove the socket."""
        self._store.commit(float("inf"))
        self._store.close()
        for peer in list(self._peers):
            self._part(peer)
        if self._listener is not None:
            self._listener.close()
            self._socket_path.unlink(missing_ok=True)
        signal.set_wakeup_fd(-1)
        self._selector.close()
        self._wake.close()
        self._wake_write.close()

    # When to end

    def _on_sigterm(self, *_: object) -> None:
        now_s = time.monotonic()
        self._ends_at_s = now_s + self._drain_s if self._ends_at_s is None else now_s

    def _is_over(self) -> bool:
        if self._ends_at_s is None:
            return False
        if not self._peers:
            self._accept()  # a worker may have connected in this very moment
        return not self._peers or time.monotonic() >= self._ends_at_s

    def _patience_s(self) -> float | None:
        """How long to sleep at most; None for ever."""
        until = [at for at in (self._ends_at_s, self._store.retry_at_s) if at is not None]
        return max(0.0, min(until) - time.monotonic()) if until else None

    # Connections

    def _accept(self) -> None:
        assert self._listener is not None
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if len(self._peers) >= CONNECTIONS_MAX:
                log("error", "too many connections to the bookkeeper", connections_max=CONNECTIONS_MAX)
                connection.close()
                continue
            connection.setblocking(False)
            peer = Peer(connection)
            self._peers.add(peer)
            self._selector.register(connection, selectors.EVENT_READ, peer)

    def _part(self, peer: Peer) -> None:
        """The worker hung up; what it sent stays."""
        self._peers.discard(peer)
        self._selector.unregister(peer.connection)
        peer.connection.close()
        # The same worker may be back on a new connection before the end of its old one was seen.
        if peer.incarnation and all(other.incarnation != peer.incarnation for other in self._peers):
            self._totals.part(peer.incarnation)

    def _serve(self, peer: Peer, events: int) -> None:
        if peer not in self._peers:
            return
        if events & selectors.EVENT_WRITE:
            self._flush(peer)
        if not events & selectors.EVENT_READ or peer not in self._peers:
            return
        try:
            data = peer.connection.recv(RECV_BYTES)
            if not data:
                self._part(peer)
                return
            for frame in peer.reader.feed(data):
                self._take(peer, frame)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._part(peer)
        except (frames.FrameError, msgspec.MsgspecError, ValueError) as error:
            log("error", "a worker said what nobody understands", worker=peer.incarnation, why=error)
            self._part(peer)

    def _take(self, peer: Peer, frame: frames.Frame) -> None:
        kind, number, payload = frame
        if kind == frames.HELLO:
            if number != frames.PROTOCOL:
                raise frames.FrameError(f"it speaks version {number}, this bookkeeper version {frames.PROTOCOL}")
            peer.incarnation = payload.decode()
        elif not peer.incarnation:
            raise frames.FrameError("it did not say who it is")
        elif kind == frames.ROWS:
            self._store.keep(payload)
            peer.held = number
        elif kind == frames.METRICS:
            self._totals.take(peer.incarnation, self._decode_delta(payload), everything=bool(number))
        elif kind == frames.SCRAPE:
            self._replies.append((peer, number))
        else:
            raise frames.FrameError(f"a frame of kind {kind} is not for the bookkeeper")

    def _scrape(self, peer: Peer, ask: int) -> None:
        if peer not in self._peers:
            return
        # Eight megabytes that a bookkeeper nobody scrapes does without.
        from asbru.telemetry import exposition

        own = (
            (names.RECORDS_WRITTEN, self._store.written),
            (names.RECORDS_DROPPED, self._store.dropped),
            (names.RECORDS_HELD, self._store.held_bytes),
            (names.STORE_FAILURES, self._store.failures),
            (names.WORKERS, len({one.incarnation for one in self._peers if one.incarnation})),
        )
        self._send(peer, frames.write_frame(frames.SCRAPED, ask, exposition.render(self._totals, own)))

    def _send(self, peer: Peer, frame: bytes) -> None:
        if len(peer.outbox) + len(frame) > OUTBOX_BYTES_MAX:
            return  # it reads nothing; an ack is repeated by the next, and a scrape has a deadline
        was_empty = not peer.outbox
        peer.outbox += frame
        if was_empty:
            self._flush(peer)

    def _flush(self, peer: Peer) -> None:
        try:
            sent = peer.connection.send(peer.outbox)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            # Its end of file is read in the next turn, after what it sent before.
            peer.outbox.clear()
            sent = 0
        del peer.outbox[:sent]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.outbox else 0)
        if self._selector.get_key(peer.connection).events != wanted:
            self._selector.modify(peer.connection, wanted, peer)


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except TimeoutError:
            return True
    return True


def main(arguments: list[str] | None = None) -> int:
    """Run until told to end; returns the exit code."""
    given = read_arguments(arguments, required=("socket", "data-dir"), optional=("drain-s",))
    end_with_supervisor()
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    bookkeeper = Bookkeeper(
        Path(given["socket"]), Path(given["data-dir"]), drain_s=float(given.get("drain-s", DRAIN_S))
    )
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
