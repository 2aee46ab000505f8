"""Waiting for a condition that nobody announces, always with a deadline.

Tests in a loop await `until`, others call `wait`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

WAIT_S = 30.0
_LOOK_S = 0.002


async def until(holds: Callable[[], object], what: str, timeout_s: float = WAIT_S) -> None:
    """Return once `holds()` is true; fail after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        await asyncio.sleep(_LOOK_S)


def wait(holds: Callable[[], object], what: str, timeout_s: float = WAIT_S) -> None:
    """The same for threads without a loop."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(_LOOK_S * 5)


async def pause(seconds: float) -> None:
    """For load that has a pace."""
    await asyncio.sleep(seconds)
