"""A step of work on the records while the bookkeeper writes: one short transaction, tried again while the database is
locked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from asbru.storage import Database, StorageError

TRIES_MAX: Final = 100

T = TypeVar("T")


def take_step(database: Database, step: Callable[[Database], T], wait: Callable[[], object]) -> T:
    """What a step comes to. `wait` passes a moment after each try that failed; raises the StorageError of the last of
    TRIES_MAX."""
    for _ in range(TRIES_MAX - 1):
        try:
            with database.transaction():
                return step(database)
        except StorageError:
            wait()
    with database.transaction():
        return step(database)
