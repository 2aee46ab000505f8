"""The control process has the bookkeeper clear the cache, which tells the workers; an `admin.cache.ClearCache`.

Not here: what is cleared, and who may.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from asbru.cache.sql import CLEAR

if TYPE_CHECKING:
    from asbru.cache import Clearing
    from asbru.link.link import Link

ANSWER_DEADLINE_S = 10.0
"""Deleting millions of entries takes a while."""


class CacheClearing:
    """See the module."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def __call__(self, clearing: Clearing) -> bool:
        """Clear; whether the bookkeeper has."""
        answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._link.ask(CLEAR, msgspec.msgpack.encode(clearing), answered.set_result, ANSWER_DEADLINE_S)
        return await answered is not None
