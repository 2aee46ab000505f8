"""Redis or Valkey by redis-py (the extra `redis`), which is loaded with the first client.

What it awaits needs an event loop: a path runs it in a task. Answers are as RESP2 has them: bytes, integers, lists,
None.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from asbru.core.errors import GatewayError

if TYPE_CHECKING:
    from asbru.core.secret_text import SecretText

CONNECTIONS_MAX: Final = 16
"""Of each client; commands wait for a free one."""
WHY_CHARS_MAX: Final = 300


class RedisAway(GatewayError):
    """The server cannot be reached, or does not answer in time."""


class RedisRefused(GatewayError):
    """The server answered with an error; the message is its own."""


class Script:
    """A Lua script, sent by its digest once the server knows it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Redis:
    """See the module. `url`: redis://, rediss:// or unix://. Raises ValueError for another."""

    def __init__(self, url: SecretText, timeout_s: float) -> None:
        from redis import exceptions
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        pool: Any = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType] -- loosely typed
            url.reveal(),
            max_connections=CONNECTIONS_MAX,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            protocol=2,
            retry=Retry(NoBackoff(), 1),  # a connection that the server closed while it was idle
        )
        self._client: Any = Redis(connection_pool=pool)
        self._refusals = (exceptions.ResponseError,)
        self._failures = (exceptions.RedisError, OSError, TimeoutError)
        self._unknown = (exceptions.NoScriptError,)

    async def run(self, *words: str | bytes | float) -> Any:
        """The answer to a command. Raises `RedisAway`, `RedisRefused`."""
        try:
            return await self._client.execute_command(*words)
        except self._refusals as error:
            raise RedisRefused(str(error)[:WHY_CHARS_MAX]) from None
        except self._failures as error:
            raise RedisAway(f"{type(error).__name__}: {error}"[:WHY_CHARS_MAX]) from None

    async def run_script(self, script: Script, keys: tuple[str, ...], *values: str | bytes | float) -> Any:
        """The answer of a script. Raises as `run`."""
        rest = (len(keys), *keys, *values)
        try:
            return await self._client.execute_command("EVALSHA", script.digest, *rest)
        except self._unknown:
            return await self.run("EVAL", script.text, *rest)
        except self._refusals as error:
            raise RedisRefused(str(error)[:WHY_CHARS_MAX]) from None
        except self._failures as error:
            raise RedisAway(f"{type(error).__name__}: {error}"[:WHY_CHARS_MAX]) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose(close_connection_pool=True)
