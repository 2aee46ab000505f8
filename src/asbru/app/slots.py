"""The places that the supervisor's children fill, again and again: heard, found dead or hung, started anew, ended.

    empty -> starting -> ready -> (gone) -> empty, with the moment of the next start -> starting ...

Does not know how a child is started, or what its lines mean beyond that it lives. Imports little: the supervisor loads
this.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial

from asbru.app.children import Child, how_it_ended
from asbru.app.launch import BOOKKEEPER, TOOLS
from asbru.app.orphans import end_orphans
from asbru.app.process_table import Process
from asbru.app.restarts import Restarts
from asbru.telemetry import log

POLL_INTERVAL_S = 1.0
TURN_S = 0.05
DRAIN_EXTRA_S = 2.0
STOOD_STILL_S = 3 * POLL_INTERVAL_S
HUNG_AFTER_S = 15.0
"""A process that was not heard of for so long, though it tells that it is alive each second, is replaced."""


class Slot:
    """One place. `due_s`: when the next child starts; None while one runs."""

    def __init__(self, name: str, start: Callable[[], Child]) -> None:
        self.name = name
        self.start = start
        self.child: Child | None = None
        self.due_s: float | None = None
        self.restarts = Restarts()

    @property
    def is_worker(self) -> bool:
        """Whether it serves calls."""
        return self.name.startswith("worker")

    @property
    def follows(self) -> bool:
        """Whether it serves by a snapshot, and is told of each new one."""
        return self.is_worker or self.name == TOOLS


class Slots:
    """See the module. `on_line` is given what a child says, by word and rest; `on_death` the slot of one that died;
    `before` may prevent a start with an OSError. `stops`: how often the gateway was told to end."""

    def __init__(
        self,
        *,
        on_line: Callable[[Slot, Child, str, str], None],
        on_death: Callable[[Slot], None],
        before: Callable[[Slot], None],
    ) -> None:
        self.stops = 0
        self._on_line = on_line
        self._on_death = on_death
        self._before = before
        self._slots: list[Slot] = []
        self._selector = selectors.DefaultSelector()
        self._looked_s = time.monotonic()
        self._started_ms = int(time.time() * 1000)

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots)

    def add(self, name: str, start: Callable[[], Child]) -> None:
        """Another place, unless there is one of the name."""
        if not any(slot.name == name for slot in self._slots):
            self._slots.append(Slot(name, start))

    def watch(self, readable: int | socket.socket, on_readable: Callable[[], None]) -> None:
        """Have something else waited for in the same turn."""
        self._selector.register(readable, selectors.EVENT_READ, on_readable)

    def forget(self, readable: socket.socket) -> None:
        """Wait for it no more."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(readable)

    def ready_followers(self) -> Iterator[Child]:
        """Those that take lines."""
        for slot in self._slots:
            if slot.follows and slot.child is not None and slot.child.ready:
                yield slot.child

    def processes(self) -> Iterator[Process]:
        """All, this one first."""
        yield Process("supervisor", os.getpid(), self._started_ms, "ready")
        for slot in self._slots:
            child = slot.child
            if child is None:
                yield Process(slot.name, 0, 0, "down")
            else:
                yield Process(slot.name, child.process.pid, child.started_ms, "ready" if child.ready else "starting")

    # ---- running

    def turn(self, longest_s: float = POLL_INTERVAL_S) -> None:
        """Wait for something to happen, at most so long, and take note of it."""
        due = [slot.due_s for slot in self._slots if slot.due_s is not None]
        wait_s = min([longest_s, *(moment - time.monotonic() for moment in due)])
        for key, _ in self._selector.select(max(wait_s, 0.0)):
            key.data()
        for slot in self._slots:
            if slot.child is not None:
                if not slot.child.ready and slot.child.check_socket():
                    slot.child.ready = True
                if slot.child.process.poll() is not None:
                    self._bury(slot, slot.child)
        end_orphans()

    def fill(self, slot: Slot) -> None:
        """Start a child; one that cannot be started is tried again later."""
        slot.due_s = None
        try:
            self._before(slot)
            slot.child = slot.start()
        except OSError as error:
            log("error", f"{slot.name} cannot be started: {error}")
            slot.due_s = time.monotonic() + slot.restarts.pause_s(0.0)
            return
        self.watch(slot.child.channel, partial(self._hear, slot, slot.child))

    def fill_new(self) -> None:
        """Start a child in each place that never had one."""
        for slot in self._slots:
            if slot.child is None and slot.due_s is None:
                self.fill(slot)

    def keep_running(self) -> None:
        """Start anew what is due, and end what hangs or cannot be reached."""
        self._end_hung()
        self._end_unreachable()
        for slot in self._slots:
            if slot.child is None and slot.due_s is not None and time.monotonic() >= slot.due_s:
                self.fill(slot)
                if slot.child is not None:
                    log("warning", f"{slot.name} restarted (pid {slot.child.process.pid})")

    def _hear(self, slot: Slot, child: Child) -> None:
        lines = child.read_lines()
        if lines is None:
            self.forget(child.channel)
            return
        for line in lines:
            word, _, rest = line.partition(" ")
            if word in ("alive", "writing"):
                child.heard_s = time.monotonic()
                child.writes = word == "writing"
            else:
                child.ready |= word == "ready"
                self._on_line(slot, child, word, rest)

    def _bury(self, slot: Slot, child: Child) -> None:
        lived_s = time.monotonic() - child.started_s
        self._let_go(slot, child)
        if self.stops and child.process.returncode == 0:
            return
        self._on_death(slot)
        pause_s = slot.restarts.pause_s(lived_s)
        slot.due_s = time.monotonic() + pause_s
        log("error", f"{slot.name} (pid {child.process.pid}) {how_it_ended(child.process.returncode)}")

    def _let_go(self, slot: Slot, child: Child) -> None:
        self.forget(child.channel)
        child.close()
        slot.child = None

    def _end_hung(self) -> None:
        """End workers, and a control process, that do nothing any more: they are started anew. After a time in which
        this process stood still itself (a frozen container), they have as long as ever."""
        now_s = time.monotonic()
        stood_still, self._looked_s = now_s - self._looked_s > STOOD_STILL_S, now_s
        for slot in self._slots:
            child = slot.child
            if child is None or child.heard_s is None:
                continue
            if stood_still:
                child.heard_s = now_s
            elif now_s - child.heard_s > HUNG_AFTER_S:
                log("error", f"{slot.name} (pid {child.process.pid}) has not responded for {HUNG_AFTER_S:g} s")
                child.signal(signal.SIGKILL)
                child.heard_s = None

    def _end_unreachable(self) -> None:
        """Whoever listens at a socket that somebody has removed (cleaners of temporary files do) is started anew; the
        bookkeeper helps itself (`link.host`), since workers stay connected to it."""
        for slot in self._slots:
            child = slot.child
            if child is not None and slot.name != BOOKKEEPER and child.lost_socket():
                log("warning", f"the socket of {slot.name} was removed; restarting it")
                child.ready = False
                child.signal(signal.SIGTERM)

    # ---- stopping

    def end(self, role: Callable[[Slot], bool], limit_s: float) -> None:
        """Tell those of a role to end, and end those that do not."""
        for slot in self._slots:
            if slot.child is not None and role(slot):
                slot.child.signal(signal.SIGTERM)
        self.wait_for(role, limit_s, stops_max=2)
        self.kill(role)

    def wait_for(self, role: Callable[[Slot], bool], limit_s: float, stops_max: int = 1) -> bool:
        """Whether all of a role ended within the limit, or a little after those that write have last said so; cut short
        by one more signal."""
        deadline = time.monotonic() + limit_s
        while waited_for := [slot.child for slot in self._slots if slot.child is not None and role(slot)]:
            heard = [
                child.heard_s + DRAIN_EXTRA_S for child in waited_for if child.writes and child.heard_s is not None
            ]
            if time.monotonic() >= max([deadline, *heard]) or self.stops > stops_max:
                return False
            self.turn(TURN_S)
            self.start_no_more()
        return True

    def start_no_more(self) -> None:
        """Nothing is due."""
        for slot in self._slots:
            slot.due_s = None

    def kill(self, role: Callable[[Slot], bool]) -> None:
        """End those of a role at once."""
        for slot in self._slots:
            child = slot.child
            if child is not None and role(slot):
                log("warning", f"{slot.name} (pid {child.process.pid}) did not exit in time and was killed")
                child.signal(signal.SIGKILL)
                child.process.wait()
                self._let_go(slot, child)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._selector.close()
