"""Golden cases: wire bytes of our own making and the canonical form each must be read into, exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from asbru.core.traits import PLAIN
from asbru.dialects.openai_chat import DIALECT

CASES = sorted((Path(__file__).parents[2] / "cases" / "openai_chat").glob("*.json"))
DEFAULT_FALSE = ("plain", "is_error", "custom", "stream", "include_usage")


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def prune(value: Any) -> Any:
    """Leaves out what holds nothing, so that cases stay readable."""
    if isinstance(value, dict):
        return {
            name: prune(inner)
            for name, inner in value.items()
            if inner is not None and inner != {} and not (inner is False and name in DEFAULT_FALSE)
        }
    if isinstance(value, list):
        return [prune(inner) for inner in value]
    return value


def plain(value: object) -> Any:
    return prune(json.loads(msgspec.json.encode(value)))


def stream_bytes(events: list[Any]) -> bytes:
    written = [event if isinstance(event, str) else json.dumps(event, separators=(",", ":")) for event in events]
    return "".join(event if event.startswith("event:") else f"data: {event}\n\n" for event in written).encode()


def read(case: dict[str, Any]) -> Any:
    wire = case["wire"]
    match case["kind"]:
        case "request":
            return plain(DIALECT.chat.read_request(json.dumps(wire).encode()))
        case "reply":
            return plain(DIALECT.chat.read_reply(json.dumps(wire).encode()))
        case "stream":
            reader = DIALECT.chat.stream_reader()
            events = reader.feed(stream_bytes(wire)) + reader.close()
            return [{type(event).__name__: plain(event)} for event in events]
        case _:
            error = DIALECT.errors.read(wire["status"], wire["body"].encode())
            names = ("status", "type", "code", "message", "param")
            return {name: getattr(error, name) for name in names}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_is_read_as_written_down(path: Path) -> None:
    """Every golden case is read into exactly the canonical form that stands beside it."""
    case = load(path)
    assert read(case) == case["canonical"]


@pytest.mark.parametrize("path", [p for p in CASES if p.stem.startswith("request_")], ids=lambda path: path.stem)
def test_a_request_survives_being_written(path: Path) -> None:
    """A request of this dialect, written and read again, is the same request and loses nothing."""
    request = DIALECT.chat.read_request(json.dumps(load(path)["wire"]).encode())
    written = DIALECT.chat.write_request(request, request.model, PLAIN)
    assert written.notes == ()
    assert DIALECT.chat.read_request(written.body) == request


@pytest.mark.parametrize("path", [p for p in CASES if p.stem.startswith("stream_")], ids=lambda path: path.stem)
def test_any_cut_of_a_stream_gives_the_same_events(path: Path) -> None:
    """A stream cut in two at every byte, or fed byte by byte, gives the events of the whole."""
    data = stream_bytes(load(path)["wire"])
    whole = DIALECT.chat.stream_reader()
    expected = whole.feed(data) + whole.close()
    for cut in range(len(data)):
        reader = DIALECT.chat.stream_reader()
        assert reader.feed(data[:cut]) + reader.feed(data[cut:]) + reader.close() == expected
    reader = DIALECT.chat.stream_reader()
    events = [event for at in range(len(data)) for event in reader.feed(data[at : at + 1])]
    assert events + reader.close() == expected
