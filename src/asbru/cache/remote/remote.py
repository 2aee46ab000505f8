"""A store across the network: what is asked of it may fail, what it is told waits in a bounded line.

    up       an ask or a write fails   -> resting    said once in the log, with the reason
    resting  the rest is over, asked   -> up         said once
                                       -> resting    twice as long

While it rests nothing is asked, so a call loses no time. A write that fails is lost. A clearing is tried until it is
done, and until then nothing is found, since it might have been cleared.

Paths and writes await nothing but Futures: how the store's own work becomes one is its builder's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from asbru.cache.entry import Clearing
from asbru.core.errors import AsbruError
from asbru.core.future import Future
from asbru.telemetry import log

T = TypeVar("T")

REST_FIRST_S: Final = 0.5
REST_MAX_S: Final = 30.0
LINE_BYTES_MAX: Final = 16 * 1024 * 1024
CLEARINGS_MAX: Final = 64
WRITE_DEADLINE_S: Final = 5.0
"""Nobody waits for a write, and the first one makes what it needs."""
CLEAR_DEADLINE_S: Final = 30.0
"""A clearing reads all keys, which takes longer than other things."""
PROBLEMS: Final = ("away", "forged", "shed")
"""What is counted: failures, entries that this gateway did not write, and writes that found no room in the line."""


class Loop(Protocol):
    """What a remote store needs of the process."""

    def clock(self) -> float: ...

    def within(self, work: Coroutine[Any, Any, T], seconds: float) -> Awaitable[T]:
        """Await work, for so long at most; raises `AsbruError`."""
        ...

    def run(self, path: Coroutine[Any, Any, None]) -> None:
        """Run a path that nobody waits for."""
        ...

    def pause(self, seconds: float) -> Future[None]: ...


class _Told(NamedTuple):
    work: Callable[[], Coroutine[Any, Any, object]]
    size_bytes: int
    clearing: Clearing | None = None
    over: Callable[[], object] | None = None


class Remote:
    """See the module. `name`: in the log and metrics; `problems`: counted there."""

    def __init__(self, name: str, loop: Loop, timeout_s: float, problems: dict[str, int] | None = None) -> None:
        self.name = name
        self.problems = dict.fromkeys(PROBLEMS, 0) if problems is None else problems
        self.line_bytes = 0
        self._loop = loop
        self._timeout_s = timeout_s
        self._rest_s = REST_FIRST_S
        self._rests_until_s: float | None = None
        self._line: deque[_Told] = deque()
        self._clearings = 0
        self._draining = False
        self._retired = False

    @property
    def rests(self) -> bool:
        """Whether it failed a moment ago, so that it is not asked."""
        return self._rests_until_s is not None and self._loop.clock() < self._rests_until_s

    @property
    def clears(self) -> bool:
        """Whether a clearing is not done, so that nothing is found."""
        return self._clearings > 0

    @property
    def waiting(self) -> int:
        """Writes and clearings that are not done."""
        return len(self._line)

    async def ask(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """What the store says; None where it says nothing."""
        if self._clearings or self.rests:
            return None
        done, answer = await self._try(work, self._timeout_s)
        return answer if done else None

    def tell(
        self,
        work: Callable[[], Coroutine[Any, Any, object]],
        size_bytes: int,
        over: Callable[[], object] | None = None,
    ) -> None:
        """A write, which may be lost. `over` is called once it waits no more, however it ended."""
        if self.line_bytes + size_bytes > LINE_BYTES_MAX:
            self.problems["shed"] += 1
            if over is not None:
                over()
            return
        self._add(_Told(work, size_bytes, over=over))

    def clear(self, work: Callable[[Clearing], Coroutine[Any, Any, object]], clearing: Clearing) -> None:
        """A clearing. Where too many wait, one of everything takes the place of all that waits."""
        if self._clearings >= CLEARINGS_MAX:
            clearing = Clearing()
            while len(self._line) > 1:  # the first is under way
                self._forget(self._line.pop())
        self._clearings += 1
        self._add(_Told(partial(work, clearing), 0, clearing))

    def retire(self) -> list[Clearing]:
        """Another takes its place: what is still to be cleared. Here that is tried once more at most."""
        self._retired = True
        return [told.clearing for told in self._line if told.clearing is not None]

    def forged(self, key: str) -> None:
        """An entry is not what this gateway, or one with the same secret, wrote."""
        self.problems["forged"] += 1
        if self.problems["forged"] == 1:
            log(
                "warning",
                "the cache ignores entries that it did not write; further ones are only counted",
                store=self.name,
                key=key,
            )

    def _add(self, told: _Told) -> None:
        self._line.append(told)
        self.line_bytes += told.size_bytes
        if not self._draining:
            self._draining = True
            self._loop.run(self._drain())

    async def _drain(self) -> None:
        try:
            while self._line:
                told = self._line[0]
                done = False
                if not self.rests:
                    deadline_s = WRITE_DEADLINE_S if told.clearing is None else CLEAR_DEADLINE_S
                    done, _ = await self._try(told.work, deadline_s)
                if told.clearing is not None and not done and not self._retired:
                    assert self._rests_until_s is not None
                    await self._loop.pause(max(0.01, self._rests_until_s - self._loop.clock()))
                    continue
                self._forget(self._line.popleft())
        except Exception:
            self._forget(self._line.popleft())  # a bug, which the builder logs: what comes after it is written
            raise
        finally:
            self._draining = False

    def _forget(self, told: _Told) -> None:
        self.line_bytes -= told.size_bytes
        self._clearings -= told.clearing is not None
        if told.over is not None:
            told.over()

    async def _try(self, work: Callable[[], Coroutine[Any, Any, T]], deadline_s: float) -> tuple[bool, T | None]:
        try:
            answer = await self._loop.within(work(), deadline_s)
        except AsbruError as error:
            self._fail(error)
            return False, None
        if self._rests_until_s is not None:
            self._rests_until_s, self._rest_s = None, REST_FIRST_S
            log("info", "the cache can use its store again", store=self.name)
        return True, answer

    def _fail(self, error: AsbruError) -> None:
        self.problems["away"] += 1
        if self._rests_until_s is None:
            log("warning", "the cache cannot use its store; calls continue without it", store=self.name, why=error)
        self._rests_until_s = self._loop.clock() + self._rest_s
        self._rest_s = min(self._rest_s * 2, REST_MAX_S)
