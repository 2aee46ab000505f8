"""What keeps replies, as a snapshot says."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from tests.app.test_cache_stores import away, begun, settings

from asbru.app.build_cache import caching
from asbru.app.snapshot import Snapshot
from asbru.cache import Clearing, MemoryStore
from asbru.core.secret_text import SecretText

if TYPE_CHECKING:
    from asbru.app.lasting import Lasting


def test_a_cache_that_is_switched_off_is_cleared_all_the_same() -> None:
    """A worker that serves without the cache still clears the Redis that the configuration names."""
    pytest.importorskip("redis")

    async def run() -> None:
        stores = begun()
        lasting = cast("Lasting", SimpleNamespace(cache_memory=MemoryStore(1024), cache_stores=stores))
        off = settings(enabled=False, redis=away(1))
        assert caching(Snapshot(providers=(), cache=off, pepper=SecretText("00" * 32)), lasting) is None
        stores.clear(Clearing())
        assert stores.entries(off, b"").remote.clears

    asyncio.run(run())
