"""The bookkeeper's end of the link: a listener, its peers, and tables of who keeps, answers and listens.

One turn: read every socket that is ready, commit what came, in one go per store, acknowledge it, answer the questions.
So an answer comes after everything that its worker sent before the question has been kept. What a table or a handler
means is not known here. A name that nobody knows is logged once, counted and let go, never a reason to hang up: a newer
worker may speak to an older bookkeeper. Whoever does not even speak frames is hung up on. Plain `selectors`: there is
nothing to do concurrently, and the process is to stay small.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

from asbru.link import frames
from asbru.link.peers import Peer, Question
from asbru.telemetry import log

CONNECTIONS_MAX = 1024
UNKNOWN_NAMES_LOGGED_MAX = 64
ANSWERING_S = 0.02
"""How long questions are answered before rows that came meanwhile are kept."""


class Store(Protocol):
    """What keeps the batches of a table. Nothing but `open` raises; what cannot be kept is counted and logged."""

    @property
    def retry_at_s(self) -> float | None:
        """When `commit` wants to be called again although nothing came; None while it need not."""
        ...

    def open(self) -> None:
        """Before the first worker is let in. What it raises ends the start."""
        ...

    def keep(self, batch: bytes) -> None:
        """Hold a batch until the next commit. One that was committed before may come again."""
        ...

    def commit(self, now_s: float) -> bool:
        """Write what is held. True when nothing is held any more: what came until now is acknowledged."""
        ...

    def close(self) -> None:
        """After the last commit, which was told that it is the last by `now_s` being infinite."""
        ...


Answer: TypeAlias = Callable[[Question], bytes | None]
"""Answers a question, or returns None and replies later."""
Listen: TypeAlias = Callable[[Peer, bytes], None]
"""Takes a message."""


class Host:
    """See the module. `on_parted` are told the incarnation of a worker whose last connection has ended."""

    def __init__(
        self,
        socket_path: Path,
        *,
        stores: Mapping[str, Store],
        answers: Mapping[str, Answer],
        listeners: Mapping[str, Listen],
        on_parted: Iterable[Callable[[str], None]] = (),
    ) -> None:
        self.refused = 0
        """Batches, questions and messages that nobody here knows or that their handler could not read."""
        self._socket_path = socket_path
        self._stores = stores
        self._answers = answers
        self._listeners = listeners
        self._on_parted = tuple(on_parted)
        self._unknown: set[str] = set()
        self._selector = selectors.DefaultSelector()
        self._peers: set[Peer] = set()
        self._questions: deque[tuple[str, Question]] = deque()
        self._listener: socket.socket | None = None
        self._cannot_listen = False

    def open(self) -> None:
        """Open the stores and listen. Raises what a store raises, and OSError when the socket cannot be had."""
        for store in self._stores.values():
            store.open()
        with contextlib.suppress(FileNotFoundError):
            # A socket file without a listener is what kill -9 leaves; one with a listener is somebody's.
            if _is_served(self._socket_path):
                raise OSError(f"{self._socket_path} is served by another process")
            self._socket_path.unlink()
        self._bind()

    def keep_listening(self) -> None:
        """Listen anew if somebody has removed the socket, or the directory that it is in (cleaners of temporary files
        do); who is connected stays so. What prevents it is logged once."""
        if self._listener is None or self._socket_path.exists():
            return
        try:
            self._socket_path.parent.mkdir(mode=0o700, exist_ok=True)
            before = self._listener
            self._bind()
        except OSError as error:
            if not self._cannot_listen:
                log("error", "the socket of the bookkeeper was removed and cannot be created again", why=error)
            self._cannot_listen = True
            return
        self._selector.unregister(before)
        before.close()
        self._cannot_listen = False
        log("warning", "the socket of the bookkeeper was removed; created it again", socket=self._socket_path)

    def _bind(self) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(str(self._socket_path))
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(before)
        listener.listen(128)
        listener.setblocking(False)
        self._listener = listener
        self.watch(listener, self._accept)

    def watch(self, readable: socket.socket, on_readable: Callable[[], None]) -> None:
        """Have another socket waited for in the same turn."""

        def on_ready(_events: int) -> None:
            on_readable()

        self._selector.register(readable, selectors.EVENT_READ, on_ready)

    def turn(self, patience_s: float | None) -> None:
        """One turn, see the module; waits at most `patience_s` for something to happen, None for ever."""
        for key, events in self._selector.select(0.0 if self._questions else patience_s):
            key.data(events)
        self._commit(time.monotonic())
        # After the commit: an answer may take a while, and rows should not wait for it, nor for many of them.
        ends_s = time.monotonic() + ANSWERING_S
        while self._questions:
            self._answer(*self._questions.popleft())
            if time.monotonic() >= ends_s:
                break

    def close(self) -> None:
        """Write what is held, close everything, remove the socket."""
        self._commit(float("inf"))
        for store in self._stores.values():
            store.close()
        for peer in list(self._peers):
            self._part(peer)
        if self._listener is not None:
            self._listener.close()
            self._socket_path.unlink(missing_ok=True)
        self._selector.close()

    def broadcast(self, subject: str, payload: bytes) -> None:
        """Push a message to every worker that is connected."""
        frame = frames.write_frame(frames.PUSH, 0, subject, payload)
        for peer in self._peers:
            if peer.incarnation:
                peer.send(frame)

    def peer_of(self, incarnation: str) -> Peer | None:
        """A connection of a worker; None where it has none."""
        return next((peer for peer in self._peers if peer.incarnation == incarnation), None)

    @property
    def retry_at_s(self) -> float | None:
        """When the next turn is due although nothing comes; None when it is not."""
        return min(
            (at for at in (store.retry_at_s for store in self._stores.values()) if at is not None), default=None
        )

    @property
    def workers(self) -> int:
        """Workers that are connected and have said who they are."""
        return len({peer.incarnation for peer in self._peers if peer.incarnation})

    def is_deserted(self) -> bool:
        """Whether nobody is connected, nor has been in this very moment."""
        if not self._peers:
            self._accept()
        return not self._peers

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
            peer = Peer(connection, self._selector)
            self._peers.add(peer)
            self._selector.register(connection, selectors.EVENT_READ, partial(self._serve, peer))

    def _part(self, peer: Peer) -> None:
        """The worker hung up; what it sent stays."""
        self._peers.discard(peer)
        self._selector.unregister(peer.connection)
        peer.connection.close()
        # The same worker may be back on a new connection before the end of its old one was seen.
        if peer.incarnation and all(other.incarnation != peer.incarnation for other in self._peers):
            for tell in self._on_parted:
                tell(peer.incarnation)

    def _serve(self, peer: Peer, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            peer.flush()
        if not events & selectors.EVENT_READ:
            return
        try:
            received = peer.receive()
            for frame in received or ():
                self._take(peer, frame)
        except frames.FrameError as error:
            log(
                "error",
                "a worker does not follow the protocol; closing its connection",
                worker=peer.incarnation,
                why=error,
            )
            received = None
        if received is None:
            self._part(peer)

    # Frames

    def _take(self, peer: Peer, frame: frames.Frame) -> None:
        kind, number, name, payload = frame
        if kind == frames.HELLO:
            if number != frames.PROTOCOL:
                raise frames.FrameError(f"it speaks version {number}, this bookkeeper version {frames.PROTOCOL}")
            peer.incarnation = payload.decode(errors="replace")
        elif not peer.incarnation:
            raise frames.FrameError("it did not identify itself")
        elif kind == frames.BATCH:
            self._keep(peer, number, name, payload)
        elif kind == frames.TELL:
            self._listen(peer, name, payload)
        elif kind == frames.ASK:
            self._questions.append((name, Question(peer, number, payload)))
        else:
            raise frames.FrameError(f"a frame of kind {kind} is not for the bookkeeper")

    def _keep(self, peer: Peer, number: int, table: str, batch: bytes) -> None:
        store = self._stores.get(table)
        if store is None:
            # Acknowledged all the same: it would come again for ever.
            self._refuse_unknown("table", table, peer)
            peer.send(frames.write_frame(frames.ACK, number, table))
            return
        store.keep(batch)
        peer.owed[table] = number

    def _commit(self, now_s: float) -> None:
        """Commit each store, and acknowledge to each worker what it is owed of those that hold nothing any more."""
        for table, store in self._stores.items():
            if store.commit(now_s):
                for peer in self._peers:
                    number = peer.owed.pop(table, 0)
                    if number:
                        peer.send(frames.write_frame(frames.ACK, number, table))

    def _answer(self, subject: str, question: Question) -> None:
        answer = self._answers.get(subject)
        if answer is None:
            self._refuse_unknown("question", subject, question.peer)
            question.refuse()
            return
        if question.peer not in self._peers:
            return
        try:
            reply = answer(question)
        except Exception as error:  # noqa: BLE001 -- one room's mistake is not to end the others: the worker is refused, the log has why
            self._refuse_unread("question", subject, question.peer, error)
            question.refuse()
            return
        if reply is not None:
            question.reply(reply)

    def _listen(self, peer: Peer, subject: str, payload: bytes) -> None:
        listen = self._listeners.get(subject)
        if listen is None:
            self._refuse_unknown("message", subject, peer)
            return
        try:
            listen(peer, payload)
        except Exception as error:  # noqa: BLE001 -- as for questions, but nobody waits
            self._refuse_unread("message", subject, peer, error)

    def _refuse_unknown(self, what: str, name: str, peer: Peer) -> None:
        self.refused += 1
        known = f"{what} {name}"
        if known not in self._unknown and len(self._unknown) < UNKNOWN_NAMES_LOGGED_MAX:
            self._unknown.add(known)
            log(
                "error",
                f"a worker sent a {what} that this bookkeeper does not know",
                name=name,
                worker=peer.incarnation,
            )

    def _refuse_unread(self, what: str, name: str, peer: Peer, error: Exception) -> None:
        self.refused += 1
        why = f"{type(error).__name__}: {error}"
        log("error", f"a {what} from a worker could not be read", name=name, worker=peer.incarnation, why=why)


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
