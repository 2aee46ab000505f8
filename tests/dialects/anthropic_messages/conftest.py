"""What the tests of this dialect share: the stream checker, the recordings, and facts about a target."""

from __future__ import annotations

import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
CASES = ROOT / "tests" / "cases" / "anthropic_messages"
RECORDING = "provider-traffic.jsonl.xz"


class StreamChecker:
    """The state machine of a Messages stream, as its official SDK reads one: complains about every step aside."""

    def __init__(self) -> None:
        self.started = self.delta_seen = self.ended = False
        self.open: int | None = None
        self.kind = ""
        self.next = 0
        self.ids: set[str] = set()

    def step(self, name: str, event: dict[str, Any]) -> None:
        """One event."""
        assert not self.ended, f"{name} after the end"
        assert event["type"] == name
        getattr(self, f"on_{name}")(event)

    def on_ping(self, event: dict[str, Any]) -> None:
        del event

    def on_error(self, event: dict[str, Any]) -> None:
        assert set(event["error"]) == {"type", "message"}
        self.ended = True

    def on_message_start(self, event: dict[str, Any]) -> None:
        assert not self.started
        self.started = True
        message = event["message"]
        assert message["type"] == "message" and message["role"] == "assistant" and message["content"] == []
        assert isinstance(message["usage"]["input_tokens"], int)
        assert isinstance(message["usage"]["output_tokens"], int)

    def on_content_block_start(self, event: dict[str, Any]) -> None:
        assert self.started and not self.delta_seen and self.open is None
        assert event["index"] == self.next
        self.open = event["index"]
        self.next += 1
        self.kind = event["content_block"]["type"]
        if self.kind == "tool_use":
            call = event["content_block"]["id"]
            assert call and call not in self.ids and event["content_block"]["input"] == {}
            self.ids.add(call)

    def on_content_block_delta(self, event: dict[str, Any]) -> None:
        assert event["index"] == self.open
        allowed = {
            "text": ("text_delta", "citations_delta"),
            "thinking": ("thinking_delta", "signature_delta"),
            "tool_use": ("input_json_delta",),
        }.get(self.kind)
        assert allowed is None or event["delta"]["type"] in allowed

    def on_content_block_stop(self, event: dict[str, Any]) -> None:
        assert event["index"] == self.open
        self.open = None

    def on_message_delta(self, event: dict[str, Any]) -> None:
        assert self.started and self.open is None and not self.delta_seen
        self.delta_seen = True
        assert {"stop_reason", "stop_sequence"} <= set(event["delta"])
        assert "output_tokens" in event["usage"]

    def on_message_stop(self, event: dict[str, Any]) -> None:
        del event
        assert self.delta_seen
        self.ended = True


def read_sse(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Name and JSON of every event, by the plainest of readers."""
    events: list[tuple[str, dict[str, Any]]] = []
    for block in data.decode().split("\n\n"):
        if block:
            name, line = block.split("\n")
            events.append((name.removeprefix("event: "), json.loads(line.removeprefix("data: "))))
    return events


@pytest.fixture
def check_stream() -> Callable[[bytes], list[tuple[str, dict[str, Any]]]]:
    """Checks a whole stream that a writer made and returns its events."""

    def check(data: bytes) -> list[tuple[str, dict[str, Any]]]:
        checker = StreamChecker()
        events = read_sse(data)
        for name, event in events:
            if hasattr(checker, f"on_{name}"):
                checker.step(name, event)
        assert checker.ended
        return events

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
