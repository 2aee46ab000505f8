"""Processes to observe that a test makes up."""

from __future__ import annotations

from collections.abc import Sequence

from asbru.admin import ProcessStatus, ServedBy
from asbru.catalog.listing import ListedProvider
from asbru.telemetry.status import WorkerStatus


class MadeUp:
    """An `Observed`. `seen` None: the bookkeeper does not answer."""

    def __init__(self, *seen: WorkerStatus) -> None:
        self.seen: Sequence[WorkerStatus] | None = seen
        self.listed: Sequence[ListedProvider] = ()

    async def workers(self) -> Sequence[WorkerStatus] | None:
        """See `Observed`."""
        return self.seen

    def processes(self) -> tuple[ServedBy, Sequence[ProcessStatus]]:
        """See `Observed`."""
        return ServedBy(3, 1000, ("bad",)), [ProcessStatus("worker-0", 7, 1000, "ready", 1 << 20, 0.5)]

    def providers(self) -> Sequence[ListedProvider]:
        """See `Observed`."""
        return self.listed
