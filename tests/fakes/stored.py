"""The index of stored objects over its real table, without a link: answers come at once."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from asbru.core.future import Future
from asbru.storage import StorageError
from asbru.stored import ObjectIds, ObjectIndex, StoredObjects
from asbru.stored.store import ObjectTable

T = TypeVar("T")
OBJECT_KEY = b"o" * 32


class Asking:
    """See the module. `away`: the bookkeeper does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._table = ObjectTable(url)
        self.away = False
        self.index = ObjectIndex(self)
        self.objects = StoredObjects(ObjectIds([OBJECT_KEY]), self.index)

    def fetch(self, subject: str, payload: bytes, deadline_s: float) -> Future[bytes | None]:
        """As the link does."""
        del subject, deadline_s
        future: Future[bytes | None] = Future()
        try:
            future.resolve(None if self.away else self._table.take(payload))
        except StorageError:
            future.resolve(None)
        return future

    def restart(self) -> None:
        """A new bookkeeper on the same database."""
        self._table.close()
        self._table = ObjectTable(self._url)

    def close(self) -> None:
        """Close the database."""
        self._table.close()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of what never has to wait."""
        return self.run(work)

    @staticmethod
    def run(work: Coroutine[Any, Any, T]) -> T:
        """The same, for what is asked of another index."""
        try:
            work.send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("it waits")
