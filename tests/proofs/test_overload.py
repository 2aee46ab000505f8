"""The proof "overload" in its short form: three seconds in place of sixty."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.proofs.overload import Mode, overload


@pytest.mark.parametrize("mode", ["queue", "drop"])
def test_overload(mode: Mode, tmp_path: Path) -> None:
    """What is too much is refused with 503 and Retry-After, memory stays, and what follows is served as ever."""
    for row in asyncio.run(overload(tmp_path, mode, seconds=3.0)):
        if row.unit != "share":  # how busy the upstream is depends on who else uses this machine
            assert row.holds, row
