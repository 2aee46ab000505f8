"""Redis or Valkey: redis-py (the extra `redis`) connects, `line` speaks over what it has connected.

Commands are awaited as `Future`s, so a path needs no task for them. Replies are as RESP2 has them: bytes, integers,
lists, None. Each ends within `timeout_s`, connecting included; only what is sent again has that twice.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from asbru.kv.line import WHY_CHARS_MAX, Line, RedisAway, RedisRefused

if TYPE_CHECKING:
    import asyncio

    from asbru.core.secret_text import SecretText

CONNECTIONS_MAX: Final = 4
"""Of each client. A command takes one where no other waits, since a search may take milliseconds; where there is none,
that with the fewest."""


class Script:
    """A Lua script, sent by its digest once the server knows it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Redis:
    """See the module. `url`: redis://, rediss:// or unix://. Raises ValueError for another."""

    def __init__(self, loop: asyncio.AbstractEventLoop, url: SecretText, timeout_s: float) -> None:
        import hiredis
        from redis import exceptions
        from redis.asyncio import ConnectionPool
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        pool: Any = ConnectionPool.from_url(url.reveal())  # pyright: ignore[reportUnknownMemberType] -- loosely typed
        pool.connection_kwargs.update(
            protocol=2, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
        )
        self._connections: Any = pool
        """Makes connections, and has none."""
        self._pack: Any = hiredis.pack_command  # pyright: ignore[reportUnknownMemberType] -- its types are too narrow
        self._reader = hiredis.Reader
        self._failures = (exceptions.RedisError, OSError, TimeoutError)
        self._timeout_s = timeout_s
        self._loop = loop
        self._lines: list[Line] = []
        self._closed = False

    async def run(self, *words: str | bytes | float) -> Any:
        """The answer to a command. Raises `RedisAway`, `RedisRefused`. A connection that the server, or what lies
        between, has closed while it was idle may be noticed only now: then the command is sent again."""
        packed: bytes = self._pack(words)
        try:
            return await self._line().send(packed)
        except RedisAway as error:
            if not error.lost:
                raise
        return await self._line().send(packed)

    async def run_script(self, script: Script, keys: tuple[str, ...], *values: str | bytes | float) -> Any:
        """The answer of a script. Raises as `run`."""
        rest = (len(keys), *keys, *values)
        try:
            return await self.run("EVALSHA", script.digest, *rest)
        except RedisRefused as error:
            if not error.message.startswith("NOSCRIPT"):
                raise
        return await self.run("EVAL", script.text, *rest)

    def close(self) -> None:
        """Close each connection once its last command has its answer. Who still has the client may go on to use it:
        connections are closed as soon as nothing waits."""
        self._closed = True
        for line in tuple(self._lines):
            line.end_when_idle()

    def _line(self) -> Line:
        """The connection that the next command takes."""
        least = None
        for line in self._lines:
            if not line.waiting:
                return line
            if least is None or line.waiting < least.waiting:
                least = line
        if least is not None and len(self._lines) >= CONNECTIONS_MAX:
            return least
        reader = self._reader(protocolError=RedisAway, replyError=_refused)
        line = Line(
            self._loop,
            self._connections.make_connection(),
            reader,
            timeout_s=self._timeout_s,
            failures=self._failures,
            over=self._lines.remove,
            ends_when_idle=self._closed,
        )
        self._lines.append(line)
        return line


def _refused(message: str) -> RedisRefused:
    return RedisRefused(message[:WHY_CHARS_MAX])
