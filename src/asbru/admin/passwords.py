"""Passwords of users, tried slowly (`identity.Throttle`) and hashed one at a time.

Not here: how a hash is made (`identity`), and what whoever has proved a password may do.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from asbru.core.errors import CallerError
from asbru.identity import Accounts, Throttle, User, hash_password, is_password

WAITING_MAX = 8
"""Passwords that wait to be hashed; more are refused."""


class Passwords:
    """See the module."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._throttle = Throttle()
        self._hashing = asyncio.Lock()
        self._waiting = 0

    async def prove(self, name: str, password: str) -> tuple[User, str] | None:
        """The user and the hash, if that is the password; whether there is such a user does not show in the time."""
        self.slow_down(f"user/{name}")
        found = self._accounts.load_user(name)
        if not await self._in_thread(is_password, found[1] if found else "", password):
            return None
        self.succeed(f"user/{name}")
        return found

    def slow_down(self, name: str) -> None:
        """Refuse whoever has failed too often; else it counts as a failure until it has succeeded."""
        now_s = time.monotonic()
        wait_s = self._throttle.wait_s(name, now_s)
        if wait_s > 0:
            raise _too_often(wait_s)
        self._throttle.fail(name, now_s)

    def succeed(self, name: str) -> None:
        """What was tried was right."""
        self._throttle.succeed(name)

    async def hash(self, password: str) -> str:
        """What is stored of a password."""
        return await self._in_thread(hash_password, password)

    async def _in_thread(self, work: Any, *arguments: str) -> Any:
        """One at a time: each takes 19 MiB."""
        if self._waiting >= WAITING_MAX:
            raise _too_often(1.0)
        self._waiting += 1
        try:
            async with self._hashing:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._waiting -= 1


def _too_often(wait_s: float) -> CallerError:
    return CallerError(
        "too many attempts; try again later",
        status=429,
        type="rate_limit_error",
        code="too_many_attempts",
        retry_after_s=wait_s,
    )
