"""What the management API may ask about the running processes.

How they are reached is for rooms above; nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from asbru.catalog.listing import ListedProvider
from asbru.telemetry.status import WorkerStatus

ProcessState: TypeAlias = Literal["starting", "ready", "down"]


class ServedBy(msgspec.Struct, frozen=True):
    """The snapshot that is handed out. `problems`: why a later configuration is not."""

    id: int = 0
    made_ms: int = 0
    problems: tuple[str, ...] = ()


class ProcessStatus(msgspec.Struct, frozen=True):
    """A process. `rss_bytes`, `cpu_s`: null where the system does not say."""

    role: str
    pid: int
    started_ms: int
    state: ProcessState
    rss_bytes: int | None = None
    cpu_s: float | None = None


class Observed(Protocol):
    """See the module."""

    async def workers(self) -> Sequence[WorkerStatus] | None:
        """What each worker has said of itself; None where the bookkeeper, which gathers it, does not answer."""
        ...

    def processes(self) -> tuple[ServedBy, Sequence[ProcessStatus]]:
        """The supervisor's processes, and what they serve by."""
        ...

    def providers(self) -> Sequence[ListedProvider]:
        """What the models of each provider are worked out from."""
        ...


class Unobserved:
    """For an API that stands alone: there is nothing to see."""

    async def workers(self) -> Sequence[WorkerStatus] | None:
        """See `Observed`."""
        return ()

    def processes(self) -> tuple[ServedBy, Sequence[ProcessStatus]]:
        """See `Observed`."""
        return ServedBy(), ()

    def providers(self) -> Sequence[ListedProvider]:
        """See `Observed`."""
        return ()
