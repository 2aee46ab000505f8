"""Would this configuration compile? Asked of a short-lived process, which the supervisor starts (`app.checks`), so that
the control process stays small and holds no credentials of providers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from asbru.core.errors import Overloaded

CHECK_S_MAX = 20.0
PROBLEMS_MAX = 20
ANSWER_BYTES_MAX = 16 * 1024 * 1024


class Check:
    """An `admin.act.Check`. `path` is the supervisor's socket for checks; without one everything is unanswered."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    async def __call__(self, sections: dict[str, list[dict[str, Any]]]) -> list[str]:
        """What is wrong with the configuration that these stored objects make with the file; [] for nothing. Raises
        `Overloaded` when the process does not answer."""
        return await self._ask({"stored": sections})

    async def ask_provider(self, sections: dict[str, list[dict[str, Any]]], provider: str) -> list[str]:
        """What is wrong with a provider as it answers now, by its list of models; [] for nothing. Raises likewise."""
        return await self._ask({"stored": sections, "live": provider})

    async def _ask(self, question: dict[str, Any]) -> list[str]:
        if self._path is None:
            raise _unanswered()
        try:
            async with asyncio.timeout(CHECK_S_MAX):
                said = await _exchange(self._path, json.dumps(question).encode())
            lines: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
        except (OSError, ValueError) as error:  # TimeoutError is one of the first
            raise _unanswered() from error
        problems = [problem for line in lines for problem in line.get("errors", ())]
        if not problems and not any(line.get("checked") for line in lines):
            raise _unanswered()
        return problems[:PROBLEMS_MAX]


async def _exchange(path: Path, question: bytes) -> bytes:
    """All that is answered. Raises OSError."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(question)
        writer.write_eof()
        said = bytearray()
        while (part := await reader.read(65536)) and len(said) < ANSWER_BYTES_MAX:
            said += part
        return bytes(said)
    finally:
        writer.close()


def _unanswered() -> Overloaded:
    return Overloaded(
        "it could not be checked whether this can be served; nothing was changed", code="unavailable", retry_after_s=1
    )
