"""The running processes as the control process sees them; an `admin.Observed`.

Workers are asked for through the bookkeeper; the supervisor and the compile process leave files in the run directory.
Memory and time of a process are the system's word (/proc).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from asbru.admin import ProcessStatus, ServedBy
from asbru.app.worker_status import READ_STATUS
from asbru.catalog.listing import ListedProvider
from asbru.telemetry.status import WorkerStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from asbru.link.link import Link

T = TypeVar("T")

ANSWER_DEADLINE_S = 1.0
ASKED_AGAIN_S = 0.25
"""Answers are as new as this: several pages that are open ask once."""


class _Table(msgspec.Struct, frozen=True):
    snapshot: ServedBy = ServedBy()
    processes: tuple[ProcessStatus, ...] = ()


class _KeptFile(Generic[T]):
    """A file that is read again when it has changed. `path` None, or nothing there: what was known."""

    def __init__(self, path: Path | None, read: Callable[[bytes], T], empty: T) -> None:
        self._path = path
        self._read = read
        self._stamp: tuple[int, int] | None = None
        self._known = empty

    def read(self) -> T:
        """As of now."""
        if self._path is not None:
            try:
                status = self._path.stat()
                stamp = (status.st_ino, status.st_mtime_ns)
                if stamp != self._stamp:
                    self._known = self._read(self._path.read_bytes())
                    self._stamp = stamp
            except FileNotFoundError:
                pass
        return self._known


class ObservedProcesses:
    """See the module. `given`: the process's arguments."""

    def __init__(self, link: Link, given: Mapping[str, str]) -> None:
        self._link = link
        self._linked = "bookkeeper" in given
        table = msgspec.json.Decoder(_Table).decode
        catalogue = msgspec.msgpack.Decoder(tuple[ListedProvider, ...]).decode
        self._table = _KeptFile(_path(given, "processes"), table, _Table())
        self._catalogue = _KeptFile[tuple[ListedProvider, ...]](_path(given, "catalogue"), catalogue, ())
        self._decode = msgspec.msgpack.Decoder(tuple[WorkerStatus, ...]).decode
        self._asking: asyncio.Task[tuple[WorkerStatus, ...] | None] | None = None
        self._asked_s = 0.0

    async def workers(self) -> Sequence[WorkerStatus] | None:
        """See `Observed`."""
        if not self._linked:
            return ()
        now_s = asyncio.get_running_loop().time()
        asking = self._asking
        if asking is None or (asking.done() and now_s - self._asked_s >= ASKED_AGAIN_S):
            self._asked_s = now_s
            asking = self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(asking)

    async def _ask(self) -> tuple[WorkerStatus, ...] | None:
        answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._link.ask(READ_STATUS, b"", answered.set_result, ANSWER_DEADLINE_S)
        said = await answered
        return None if said is None else self._decode(said)

    def processes(self) -> tuple[ServedBy, Sequence[ProcessStatus]]:
        """See `Observed`."""
        table = self._table.read()
        return table.snapshot, [_measured(one) for one in table.processes]

    def providers(self) -> Sequence[ListedProvider]:
        """See `Observed`."""
        return self._catalogue.read()


def _path(given: Mapping[str, str], name: str) -> Path | None:
    return Path(given[name]) if name in given else None


def _measured(one: ProcessStatus) -> ProcessStatus:
    """With its memory and time; one that has ended meanwhile, or a system without /proc, says nothing."""
    if not one.pid:
        return one
    try:
        # The name, in brackets, may hold anything; two fields further on is the 3rd.
        fields = Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{one.pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return one
    ticks = int(fields[11]) + int(fields[12])
    return msgspec.structs.replace(
        one,
        rss_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
        cpu_s=round(ticks / os.sysconf("SC_CLK_TCK"), 2),
    )
