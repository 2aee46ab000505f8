"""What the tests of this dialect share: the stream checker, the recordings, and facts about a target."""

from __future__ import annotations

import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.kits.wire_streams import check_messages

ROOT = Path(__file__).resolve().parents[3]
CASES = ROOT / "tests" / "cases" / "anthropic_messages"
RECORDING = "provider-traffic.jsonl.xz"


@pytest.fixture
def check_stream() -> Callable[[bytes], list[tuple[str, dict[str, Any]]]]:
    """Checks a whole stream that a writer made and returns its events."""

    def check(data: bytes) -> list[tuple[str, dict[str, Any]]]:
        return check_messages(data, fails=b"event: error\n" in data)

    return check


@pytest.fixture(scope="session")
def recorded() -> list[dict[str, Any]]:
    """Recorded exchanges with the Messages API; skips where the recordings are not at hand."""
    places = [os.environ.get("ASBRU_RECORDINGS"), ROOT.parent / "shared" / "recordings"]
    for place in places:
        file = Path(place) / RECORDING if place else None
        if file and file.exists():
            with lzma.open(file, "rt") as lines:
                rows = [json.loads(line) for line in lines]
            return [row for row in rows if _is_ours(row)]
    pytest.skip("no recordings: set ASBRU_RECORDINGS or put them in ../shared/recordings")


def _is_ours(row: dict[str, Any]) -> bool:
    named = row["provider"] in ("anthropic", "anthropic?") and row["level"] == "wire"
    return named and row["api"] in ("messages", "count_tokens")


@pytest.fixture
def golden() -> Callable[[str], dict[str, Any]]:
    """A golden case by name."""
    return lambda name: json.loads((CASES / f"{name}.json").read_text())
