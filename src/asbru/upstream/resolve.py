"""Names of hosts to addresses. The system's resolver blocks for as long as it likes, so each name that is looked up has
a thread of its own, once, however many dials wait for it: a name that is not answered holds up nobody but those who ask
for it. Addresses skip all this.

    known, and fresh            the answer, at once
    being looked up             wait for that look-up
    LOOKUPS_MAX under way       refused
    else                        a look-up begins

The threads are daemons: the end of the process does not wait for a resolver. Not here: which address may be dialled.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

FOUND_KEPT_S: Final = 30.0
"""How long an answer is used again: about what resolvers on the way keep one that may change."""
NOT_FOUND_KEPT_S: Final = 2.0
LOOKUPS_MAX: Final = 64
"""Names looked up at a time; a configuration has no more hosts that are asked at once."""
NAMES_MAX: Final = 1024

Address: TypeAlias = "tuple[socket.AddressFamily, tuple[Any, ...]]"
"""The family, and the address as `connect` takes it."""
Lookup: TypeAlias = Callable[[str, int], Sequence[Address]]


class TooManyLookupsError(OSError):
    """So many names are not answered that no more are asked for."""


class _Known(NamedTuple):
    until_s: float
    answer: Sequence[Address] | OSError


def ask_system(host: str, port: int) -> Sequence[Address]:
    """The system's answer. Raises OSError."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in infos]


class Resolver:
    """What dials of one process share. `lookup` runs in a thread."""

    def __init__(self, lookup: Lookup = ask_system, clock: Callable[[], float] = time.monotonic) -> None:
        self._lookup = lookup
        self._clock = clock
        self._known: dict[tuple[str, int], _Known] = {}
        self._under_way: dict[tuple[str, int], asyncio.Future[Sequence[Address]]] = {}

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """The addresses of `host`, the preferred one first. Raises OSError."""
        literal = _literal(host, port)
        if literal is not None:
            return (literal,)
        name = (host, port)
        known = self._known.get(name)
        if known is not None and known.until_s > self._clock():
            if isinstance(known.answer, OSError):
                raise known.answer.with_traceback(None)
            return known.answer
        found = self._under_way.get(name)
        if found is None:
            found = self._begin(name)
        return await asyncio.shield(found)  # one that gives up leaves it to the others

    def _begin(self, name: tuple[str, int]) -> asyncio.Future[Sequence[Address]]:
        if len(self._under_way) >= LOOKUPS_MAX:
            raise TooManyLookupsError(f"{LOOKUPS_MAX} other names are being resolved")
        loop = asyncio.get_running_loop()
        found = self._under_way[name] = loop.create_future()
        found.add_done_callback(_seen)
        threading.Thread(target=self._run, args=(loop, name, found), name="asbru-resolve", daemon=True).start()
        return found

    def _run(
        self, loop: asyncio.AbstractEventLoop, name: tuple[str, int], found: asyncio.Future[Sequence[Address]]
    ) -> None:
        """The thread."""
        answer: Sequence[Address] | OSError
        try:
            answer = self._lookup(*name)
        except OSError as error:
            answer = error
        except ValueError as error:  # a name that cannot be one (an empty label, one over 63 characters)
            answer = socket.gaierror(socket.EAI_NONAME, str(error))
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
            loop.call_soon_threadsafe(self._end, name, found, answer)

    def _end(
        self,
        name: tuple[str, int],
        found: asyncio.Future[Sequence[Address]],
        answer: Sequence[Address] | OSError,
    ) -> None:
        self._under_way.pop(name, None)
        if len(self._known) >= NAMES_MAX:
            self._known.clear()
        failed = isinstance(answer, OSError)
        self._known[name] = _Known(self._clock() + (NOT_FOUND_KEPT_S if failed else FOUND_KEPT_S), answer)
        if isinstance(answer, OSError):
            found.set_exception(answer)
        else:
            found.set_result(answer)


def _seen(found: asyncio.Future[Sequence[Address]]) -> None:
    """That nobody waited for a failure is no mistake."""
    if not found.cancelled():
        found.exception()


def _literal(host: str, port: int) -> Address | None:
    """The address, if `host` is one."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return (family, (host, port) if family == socket.AF_INET else (host, port, 0, 0))
    return None
