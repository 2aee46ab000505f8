"""Would this configuration compile? Asked of a short-lived process, so that the control process stays small.

Five sixths of what such a process costs are its imports, half a second of CPU. Changes come in a row, so after a
question the next process starts at once and waits for SPARE_S, with its imports done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from asbru.core.errors import Overloaded

CHECK_S_MAX = 20.0
PROBLEMS_MAX = 20
SPARE_S = 60.0


class Check:
    """An `admin.act.Check`. `command` is `asbru.app.compile ... --check`; without one everything is unanswered."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._spare: asyncio.subprocess.Process | None = None
        self._waiting: asyncio.Task[None] | None = None

    async def __call__(self, sections: dict[str, list[dict[str, Any]]]) -> list[str]:
        """What is wrong with the configuration that these stored objects make with the file; [] for nothing. Raises
        `Overloaded` when the process does not answer."""
        return await self._ask(sections)

    async def ask_provider(self, sections: dict[str, list[dict[str, Any]]], provider: str) -> list[str]:
        """What is wrong with a provider as it answers now, by its list of models; [] for nothing. Raises likewise."""
        return await self._ask(sections, "--live", provider)

    async def close(self) -> None:
        """End the process that waits."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait([self._waiting])

    async def _keep_spare(self) -> None:
        process: asyncio.subprocess.Process | None = None
        try:
            process = self._spare = await self._start()
            await asyncio.sleep(SPARE_S)
        except OSError:
            return  # the next question finds out why
        finally:
            if self._waiting is asyncio.current_task():
                self._waiting = None
            if process is not None and self._spare is process:
                self._spare = None
                await _end(process)

    def _take_spare(self) -> asyncio.subprocess.Process | None:
        """The process that waits, if there is one."""
        spare, self._spare = self._spare, None
        if spare is None or self._waiting is None:
            return None
        self._waiting.cancel()
        self._waiting = None
        return spare if spare.returncode is None else None

    async def _start(self, *more: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command, *more, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )

    async def _ask(self, sections: dict[str, list[dict[str, Any]]], *more: str) -> list[str]:
        if not self._command:
            raise _unanswered()
        process = (None if more else self._take_spare()) or await self._start(*more)
        try:
            async with asyncio.timeout(CHECK_S_MAX):
                said, _ = await process.communicate(json.dumps(sections).encode())
        except TimeoutError as error:
            raise _unanswered() from error
        finally:
            await _end(process)
        if not more and self._spare is None and self._waiting is None:
            self._waiting = asyncio.create_task(self._keep_spare())
        if process.returncode == 0:
            return []
        problems = [problem for line in said.splitlines() for problem in json.loads(line).get("errors", ())]
        if not problems:
            raise _unanswered()
        return problems[:PROBLEMS_MAX]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _unanswered() -> Overloaded:
    return Overloaded(
        "it could not be checked whether this can be served; nothing was changed", code="unavailable", retry_after_s=1
    )
