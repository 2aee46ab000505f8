"""Running a path in a test's own stack: what it came to, or that it waits."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from asbru.core.future import Future

T = TypeVar("T")


def run_path(path: Coroutine[Any, Any, T]) -> T:
    """The result of a path that waits for nothing."""
    running = RunningPath(path)
    assert running.done, "the path waits"
    return running.result()


class RunningPath(Generic[T]):
    """A path that is stepped by whatever it waits for."""

    def __init__(self, path: Coroutine[Any, Any, T]) -> None:
        self._path = path
        self._value: list[T] = []
        self._waited: Future[Any] | None = None
        self.error: BaseException | None = None
        self.step()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return bool(self._value) or self.error is not None

    def step(self) -> None:
        """Run until it waits."""
        try:
            self._waited = self._path.send(None)
        except StopIteration as end:
            self._value.append(end.value)
        except Exception as error:  # noqa: BLE001 -- the test asks for it
            self.error = error
        else:
            self._waited.waiter = self.step

    def result(self) -> T:
        """What it returned; raises what it raised."""
        if self.error is not None:
            raise self.error
        return self._value[0]

    def close(self) -> None:
        """The caller is gone."""
        if self._waited is not None:
            self._waited.waiter = None
        self._path.close()
