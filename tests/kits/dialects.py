"""What the suite over dialects stands on: the dialects there are, their golden cases, and how each is driven.

`Subject` is the one place that names the fields of a dialect's record. A golden case is a JSON file
`tests/cases/<dialect>/<kind>_<name>.json`; tests/cases/README.md says what is in it.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
import pytest

import asbru.dialects
from asbru.core.chat import ChatRequest
from asbru.core.errors import UpstreamError
from asbru.core.notes import Note
from asbru.core.reply import ChatReply, StreamEvent
from asbru.core.usage import Usage
from asbru.dialects import Dialect, TailFacts, TargetFacts, Written, WrittenReply

CASES = Path(__file__).parents[1] / "cases"
KINDS = ("request", "reply", "stream", "error")
DEFAULT_FALSE = ("plain", "is_error", "custom", "stream", "include_usage")
ERROR_MEMBERS = ("status", "type", "code", "message", "param")


class Case(NamedTuple):
    """A golden case. `wire` is what travels, as bytes; `data` the whole file."""

    name: str
    kind: str
    wire: bytes
    data: dict[str, Any]

    @property
    def written(self) -> Any:
        """What its own dialect's writer makes of it."""
        return self.data.get("written", self.data["wire"])


class Subject:
    """A dialect under test: its folder's module, and where its golden cases lie."""

    def __init__(self, module: ModuleType, cases: Path) -> None:
        self.module = module
        self.folder = cases
        self.dialect: Dialect = module.DIALECT
        self.name = self.dialect.name
        self.read_head = self.dialect.read_head
        self.rewrite = self.dialect.rewrite
        self.read_request = self.dialect.read_request
        self.read_reply = self.dialect.read_reply
        self.usage_of = self.dialect.usage_of
        self.prelude = self.dialect.prelude
        self.withhold = self.dialect.withhold
        self.finishes = self.dialect.finishes
        self.read_error = self.dialect.read_error
        self.error_inside = self.dialect.error_inside
        self.write_error = self.dialect.write_error
        self.write_stream_error = self.dialect.write_stream_error

    def __repr__(self) -> str:
        return self.name

    def cases(self, kind: str) -> list[Case]:
        """The golden cases of one kind."""
        return [read_case(path) for path in sorted(self.folder.glob(f"{kind}_*.json"))]

    def write_request(self, request: ChatRequest) -> Written:
        """A request for a target with no traits, under its own model name."""
        return self.dialect.write_request(request, TargetFacts(model=request.model))

    def write_reply(self, reply: ChatReply) -> WrittenReply:
        return self.dialect.write_reply(reply)

    def read_stream(self, data: bytes, cuts: Sequence[int] = (), *, clean: bool = True) -> list[StreamEvent]:
        """The events of a stream that arrives in pieces and then ends."""
        reader = self.dialect.stream_reader()
        events: list[StreamEvent] = []
        for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
            events += reader.feed(data[start:end])
        return events + reader.close(clean=clean)

    def write_stream(self, events: Sequence[StreamEvent], *, at_once: bool = False) -> tuple[bytes, tuple[Note, ...]]:
        """A stream for a caller who wants to know the usage, event by event or `at_once`."""
        writer = self.dialect.stream_writer(ChatRequest(model="m", messages=(), stream=True, include_usage=True))
        data = writer.write(events) if at_once else b"".join(writer.write([event]) for event in events)
        return data, writer.notes

    def tail(self, data: bytes, choices: int = 1) -> TailFacts:
        return self.dialect.tail(data, choices)

    def stream_usage(self, data: bytes) -> Usage | None:
        """What a stream's usage is found to be without reading it."""
        return self.dialect.merge_usage(self.dialect.head_usage(data), self.tail(data).usage)

    @contextmanager
    def slowly(self) -> Iterator[None]:
        """The readers of plain forms (`plain.py`) find nothing plain: all is read member by member."""
        with pytest.MonkeyPatch.context() as patch:
            for module, name in self._fast_ways():
                patch.setattr(module, name, lambda _: None)
            yield

    def _fast_ways(self) -> list[tuple[ModuleType, str]]:
        """The names by which the modules of the folder call the functions of its `plain.py`."""
        inside = f"{self.module.__name__}."
        modules = [module for name, module in [*sys.modules.items()] if name.startswith(inside)]
        return [
            (module, name)
            for module in modules
            for name, value in vars(module).items()
            if name.startswith("read_plain_") and getattr(value, "__module__", "") != module.__name__
        ]


def discover() -> dict[str, Subject]:
    """Every dialect's folder, by name: listed, so that a new one is tested without a line here."""
    folders = [info.name for info in pkgutil.iter_modules(asbru.dialects.__path__) if info.ispkg]
    return {name: Subject(importlib.import_module(f"asbru.dialects.{name}"), CASES / name) for name in folders}


def read_case(path: Path) -> Case:
    """One file."""
    data = json.loads(path.read_text("utf-8"))
    return Case(path.stem, data["kind"], wire_bytes(data["kind"], data["wire"]), data)


def wire_bytes(kind: str, wire: Any) -> bytes:
    """What travels. A stream is a list of server-sent events: JSON or text, alone or after the event's name."""
    if kind == "error":
        return wire["body"].encode()
    return b"".join(map(_event, wire)) if kind == "stream" else compact(wire)


def _event(event: Any) -> bytes:
    if isinstance(event, str):
        return event.encode() if event.startswith("event:") else b"data: %b\n\n" % event.encode()
    if isinstance(event, list):
        name, inner = event
        return b"event: %b\ndata: %b\n\n" % (name.encode(), compact(inner))
    return b"data: %b\n\n" % compact(event)


def compact(value: Any) -> bytes:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


def read(subject: Subject, case: Case) -> Any:
    """A case as its dialect reads it, in the form in which cases write it down."""
    match case.kind:
        case "request":
            return plain(subject.read_request(case.wire))
        case "reply":
            return plain(subject.read_reply(case.wire))
        case "stream":
            return [{type(event).__name__: plain(event)} for event in subject.read_stream(case.wire)]
        case _:
            return error_members(subject.read_error(case.data["wire"]["status"], case.wire))


def error_members(error: UpstreamError) -> dict[str, Any]:
    """What an error says."""
    return {name: getattr(error, name) for name in ERROR_MEMBERS}


def plain(value: object) -> Any:
    """A struct as JSON, less what holds nothing, so that cases stay readable."""
    return _prune(json.loads(msgspec.json.encode(value)))


def _prune(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _prune(inner)
            for name, inner in value.items()
            if inner is not None and inner != {} and not (inner is False and name in DEFAULT_FALSE)
        }
    return [_prune(inner) for inner in value] if isinstance(value, list) else value


def present(value: Any) -> Any:
    """JSON without nulls: what a dialect spells out as absent may be left out."""
    if isinstance(value, dict):
        return {name: present(inner) for name, inner in value.items() if inner is not None}
    return [present(inner) for inner in value] if isinstance(value, list) else value
