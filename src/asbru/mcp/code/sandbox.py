"""The sandbox: a pool of interpreter processes (pydantic-monty), of which a script has one to itself.

They have no files, no network and no modules of ours; each is limited in time, memory and depth, and one that dies
takes nothing with it. Loaded when the first script runs: the package is the extra `codemode`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from asbru.mcp.code.limits import ScriptError, ScriptLimits

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty, AsyncMontySession

PROCESSES_MAX: Final = 32
"""A script that waits for a tool keeps its process."""
WAIT_S: Final = 10.0
"""For a process that is free."""
_GRACE_S: Final = 0.2
"""The package's threads end after its pool says that it is closed."""


class Sandbox:
    """See the module. Not for more than one event loop."""

    def __init__(self, *, processes_max: int = PROCESSES_MAX) -> None:
        self._processes_max = processes_max
        self._pool: AsyncMonty | None = None
        self._opening = asyncio.Lock()

    async def session(self, limits: ScriptLimits) -> AsyncMontySession:
        """A session to enter. Raises ScriptError where the package is not installed."""
        pool = await self._open()
        return pool.checkout(
            script_name="script.py",
            limits={
                "max_feed_duration_secs": limits.time_s,
                "max_memory": limits.memory_bytes,
                "max_recursion_depth": limits.depth_max,
                # Names that are looked up count as well; calls of tools are counted where they are made.
                "max_suspensions": 100 + 20 * limits.calls_max,
            },
        )

    async def close(self) -> None:
        """End the processes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.__aexit__(None, None, None)
            await asyncio.sleep(_GRACE_S)

    async def _open(self) -> AsyncMonty:
        async with self._opening:
            if self._pool is None:
                try:
                    from pydantic_monty import AsyncMonty  # only for those who use code mode
                except ImportError:
                    raise ScriptError("crash", "code mode is not installed: pip install 'asbru[codemode]'") from None
                pool = AsyncMonty(max_processes=self._processes_max, checkout_timeout=WAIT_S)
                await pool.__aenter__()
                self._pool = pool
                return pool
            return self._pool
