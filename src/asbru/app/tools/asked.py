"""The control process's way to the tools process; an `admin.tool_servers.ToolServers`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from asbru.mcp.manage import MANAGE_SUBJECT, Manage, Managed

if TYPE_CHECKING:
    from asbru.link.link import Link

ANSWER_DEADLINE_S: Final = 60.0
"""An authorization server may be asked several things, one after the other."""


class AskedTools:
    """See the module."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def manage(self, asked: Manage) -> Managed | None:
        """See `ToolServers`."""
        answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

        def take(answer: bytes | None) -> None:
            if not answered.done():
                answered.set_result(answer)

        self._link.ask(MANAGE_SUBJECT, msgspec.msgpack.encode(asked), take, ANSWER_DEADLINE_S)
        answer = await answered
        return None if answer is None else msgspec.msgpack.decode(answer, type=Managed)
