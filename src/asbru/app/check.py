"""Would this configuration compile? Asked of a short-lived process, so that the control process stays small."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from asbru.core.errors import Overloaded

CHECK_S_MAX = 20.0
PROBLEMS_MAX = 20


class Check:
    """An `admin.act.Check`. `command` is `asbru.app.compile ... --check`; without one everything is unanswered."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    async def __call__(self, sections: dict[str, list[dict[str, Any]]]) -> list[str]:
        """What is wrong with the configuration that these stored objects make with the file; [] for nothing. Raises
        `Overloaded` when the process does not answer."""
        return await self._ask(sections)

    async def ask_provider(self, sections: dict[str, list[dict[str, Any]]], provider: str) -> list[str]:
        """What is wrong with a provider as it answers now, by its list of models; [] for nothing. Raises likewise."""
        return await self._ask(sections, "--live", provider)

    async def _ask(self, sections: dict[str, list[dict[str, Any]]], *more: str) -> list[str]:
        if not self._command:
            raise _unanswered()
        process = await asyncio.create_subprocess_exec(
            *self._command, *more, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(CHECK_S_MAX):
                said, _ = await process.communicate(json.dumps(sections).encode())
        except TimeoutError as error:
            raise _unanswered() from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return []
        problems = [problem for line in said.splitlines() for problem in json.loads(line).get("errors", ())]
        if not problems:
            raise _unanswered()
        return problems[:PROBLEMS_MAX]


def _unanswered() -> Overloaded:
    return Overloaded(
        "it could not be checked whether this can be served; nothing was changed", code="unavailable", retry_after_s=1
    )
