"""What the suite over dialects stands on: the dialects there are, their golden cases, and how each is driven.

`Subject` is the one place that names the fields of a dialect's record. A golden case is a JSON file
`tests/cases/<dialect>/<kind>_<name>.json`; tests/cases/README.md says what is in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
import pytest

from asbru.core.chat import ChatRequest
from asbru.core.errors import BadRequest, UpstreamError
from asbru.core.notes import Note
from asbru.core.reply import StreamEvent
from asbru.core.traits import Traits
from asbru.core.usage import Usage
from asbru.dialects import Dialect, RequestHead
from asbru.dialects import discover as discover_dialects
from asbru.dialects.contract import Written
from asbru.dialects.surrogates import decode_mended
from asbru.wire.eventstream import Header, write_message
from asbru.wire.framing import SSE

CASES = Path(__file__).parents[1] / "cases"
KINDS = ("request", "reply", "stream", "error")
DEFAULT_EMPTY = ("image_input", "image_output", "units", "stand_ins")
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


class Asked(NamedTuple):
    """What stands in the path of a call, and the members by which cases say it."""

    model: str
    stream: bool
    members: dict[str, msgspec.Raw]


class InPath:
    """The form of requests whose model and wish for a stream stand in the path: cases have them as members of the body,
    so that the checks need not know."""

    members = ("model", "stream")

    def take(self, body: bytes) -> tuple[Asked, bytes]:
        """What the path says, and the body without it. Raises `BadRequest` as the gateway does, without a route."""
        try:
            members = decode_mended(msgspec.json.Decoder(dict[str, msgspec.Raw]).decode, body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Asked("m", False, {}), body  # which the dialect refuses
        found = {name: members.pop(name) for name in self.members if name in members}
        try:
            model = msgspec.json.decode(found.get("model", b"null"), type=str)
            stream = msgspec.json.decode(found.get("stream", b"false"), type=bool)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BadRequest("there is no such path") from None
        if not model:
            raise BadRequest("there is no such path")
        return Asked(model, stream, found), msgspec.json.encode(members)

    def put(self, written: Written, request: ChatRequest, strip: frozenset[str]) -> Written:
        """A written request with what its path says."""
        stream: dict[str, object] = {"stream": True} if request.stream and "stream" not in strip else {}
        gone = (Note("dropped", "stream"),) if request.stream and "stream" in strip else ()
        members = msgspec.json.decode(written.body, type=dict[str, msgspec.Raw])
        body = msgspec.json.encode({"model": request.model, **stream, **members})
        return msgspec.structs.replace(written, body=body, notes=written.notes + gone)


class Subject:
    """A dialect under test: its record, where its golden cases lie, and the package of its folder."""

    def __init__(self, dialect: Dialect, cases: Path, package: str) -> None:
        self.name = dialect.name
        self.folder = cases
        self.family = dialect.family
        self.is_sse = dialect.framing is SSE
        self._package = package
        self._codec = dialect.chat
        self._passing = dialect.passing
        self.operations = dialect.operations
        self._chat = next(operation for operation in dialect.operations if operation.name == "chat")
        self._path = InPath() if "{model}" in self._chat.path else None
        self.write_reply = self._codec.write_reply
        self.read_reply = self._codec.read_reply
        self.usage_of = self._passing.usage_of
        self.tail = self._passing.tail
        self.prelude = self._passing.prelude
        self.withhold = self._passing.withhold
        self.finishes = self._passing.finishes
        self.read_error = dialect.errors.read
        self.error_inside = dialect.errors.inside
        self.write_error = dialect.errors.write
        self.write_stream_error = dialect.errors.write_stream

    def __repr__(self) -> str:
        return self.name

    def cases(self, kind: str) -> list[Case]:
        """The golden cases of one kind."""
        return [read_case(path) for path in sorted(self.folder.glob(f"{kind}_*.json"))]

    @property
    def names_replies(self) -> bool:
        """Whether a reply says its id and its model."""
        return any(case.data["canonical"].get("id") for case in self.cases("reply"))

    def read_request(self, body: bytes) -> ChatRequest:
        """A chat request."""
        if self._path is None:
            return self._codec.read_request(body)
        asked, body = self._path.take(body)
        return msgspec.structs.replace(self._codec.read_request(body), model=asked.model, stream=asked.stream)

    def read_head(self, body: bytes) -> RequestHead:
        """What pass-through reads of a chat request."""
        if self._path is None:
            return self._chat.read_head(body, {}, b"")
        asked, inner = self._path.take(body)
        head = self._chat.read_head(inner, {"model": asked.model}, b"")
        return msgspec.structs.replace(head, stream=asked.stream, members={**head.members, **asked.members})

    def rewrite(
        self, head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]
    ) -> dict[str, msgspec.Raw] | None:
        """What pass-through changes of a chat request."""
        if self._path is None:
            return self._passing.rewrite(head, model, ask_usage, strip)
        path = {name: raw for name, raw in head.members.items() if name in self._path.members and name not in strip}
        inner = {name: raw for name, raw in head.members.items() if name not in self._path.members}
        members = self._passing.rewrite(msgspec.structs.replace(head, members=inner), model, ask_usage, strip)
        if members is None and model == head.model and len(path) + len(inner) == len(head.members):
            return None
        return {**(inner if members is None else members), **path, "model": msgspec.Raw(compact(model))}

    def write_request(self, request: ChatRequest, strip: frozenset[str] = frozenset()) -> Written:
        """A request under its own model name, for a target that takes everything but the members called `strip`."""
        written = self._codec.write_request(request, request.model, Traits(strip=strip))
        return written if self._path is None else self._path.put(written, request, strip)

    def read_stream(self, data: bytes, cuts: Sequence[int] = (), *, clean: bool = True) -> list[StreamEvent]:
        """The events of a stream that arrives in pieces and then ends."""
        reader = self._codec.stream_reader()
        events: list[StreamEvent] = []
        for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
            events += reader.feed(data[start:end])
        return events + reader.close(clean=clean)

    def write_stream(self, events: Sequence[StreamEvent], *, at_once: bool = False) -> tuple[bytes, tuple[Note, ...]]:
        """A stream for a caller who wants to know the usage, event by event or `at_once`."""
        writer = self._codec.stream_writer(ChatRequest(model="m", messages=(), stream=True, include_usage=True))
        data = writer.write(events) if at_once else b"".join(writer.write([event]) for event in events)
        return data, writer.notes

    def stream_usage(self, data: bytes) -> Usage | None:
        """What a stream's usage is found to be without reading it."""
        return self._passing.merge_usage(self._passing.head_usage(data), self.tail(data).usage)

    @contextmanager
    def slowly(self) -> Iterator[None]:
        """The readers of plain forms (`plain.py`) find nothing plain: all is read member by member."""
        with pytest.MonkeyPatch.context() as patch:
            for module, name in self._fast_ways():
                patch.setattr(module, name, lambda _: None)
            yield

    def _fast_ways(self) -> list[tuple[ModuleType, str]]:
        """The names by which the modules of the folder call the functions of its `plain.py`."""
        inside = f"{self._package}."
        modules = [module for name, module in [*sys.modules.items()] if name.startswith(inside)]
        return [
            (module, name)
            for module in modules
            for name, value in vars(module).items()
            if name.startswith("read_plain_") and getattr(value, "__module__", "") != module.__name__
        ]


def discover() -> dict[str, Subject]:
    """Every dialect with a chat by name: its folder is found, so that a new one is tested without a line here."""
    return {
        name: Subject(dialect, CASES / name, f"asbru.dialects.{name}")
        for name, dialect in discover_dialects().items()
        if dialect.operation("chat") is not None
    }


def read_case(path: Path) -> Case:
    """One file."""
    data = json.loads(path.read_text("utf-8"))
    return Case(path.stem, data["kind"], wire_bytes(data["kind"], data["wire"]), data)


def wire_bytes(kind: str, wire: Any) -> bytes:
    """What travels. A stream is a list of server-sent events (JSON or text, alone or after the event's name), or of
    frames of an AWS event stream (the message type, the name, and JSON)."""
    if kind == "error":
        return wire["body"].encode()
    return b"".join(map(_event, wire)) if kind == "stream" else compact(wire)


def _event(event: Any) -> bytes:
    if isinstance(event, str):
        return event.encode() if event.startswith("event:") else b"data: %b\n\n" % event.encode()
    if isinstance(event, list) and len(event) == 3:
        return _frame(*event)
    if isinstance(event, list):
        name, inner = event
        return b"event: %b\ndata: %b\n\n" % (name.encode(), compact(inner))
    return b"data: %b\n\n" % compact(event)


def _frame(message_type: str, name: str, data: Any) -> bytes:
    named = {f":{message_type}-type": name, ":content-type": "application/json", ":message-type": message_type}
    return write_message([Header(*item) for item in named.items()], compact(data))


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
            if inner is not None
            and inner != {}
            and not (inner is False and name in DEFAULT_FALSE)
            and not (name in DEFAULT_EMPTY and not inner)
        }
    return [_prune(inner) for inner in value] if isinstance(value, list) else value


def present(value: Any) -> Any:
    """JSON without nulls: what a dialect spells out as absent may be left out."""
    if isinstance(value, dict):
        return {name: present(inner) for name, inner in value.items() if inner is not None}
    return [present(inner) for inner in value] if isinstance(value, list) else value
