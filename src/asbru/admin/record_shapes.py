"""What the API says of records, as shapes: derived from the columns of the table, for OpenAPI and the UI.

Not how they are read, nor what may be asked for: that is `records`.
"""

from __future__ import annotations

import base64
import codecs
from typing import Annotated, Any

import msgspec

from asbru.records import COLUMNS, query
from asbru.records.bodies import read
from asbru.records.sessions import add

_KINDS = {"text": str, "integer": int, "boolean": int}


def _column(kind: str, *, nullable: bool, sentence: str) -> Any:
    plain = _KINDS[kind]
    return Annotated[plain | None if nullable else plain, msgspec.Meta(description=sentence)]


_MEMBERS: list[tuple[str, Any]] = [
    (column.name, _column(column.kind, nullable=column.nullable, sentence=column.sentence)) for column in COLUMNS
]


class AttemptDetail(msgspec.Struct, frozen=True):
    """One attempt, or a target that was passed over (outcome `passed_over`)."""

    provider: str
    model: str
    key: str
    status: int
    outcome: str
    sent: bool
    billed: bool
    ms: int
    input_tokens: int | None
    output_tokens: int | None
    cost_nanousd: int | None
    reason: str


class BodySizes(msgspec.Struct, frozen=True):
    """Whole sizes of the bodies that are stored, bytes."""

    request: int
    response: int


class StoredBody(msgspec.Struct, frozen=True):
    """A body. `bytes`: its whole size; `text` where it is text, else `base64`; both hold the beginning only where it
    is truncated."""

    bytes: int
    truncated: bool
    text: str | None
    base64: str | None


class RecordBodies(msgspec.Struct, frozen=True):
    """What the caller sent and what it got; what the provider was sent and sent is not stored."""

    request: StoredBody
    response: StoredBody
    upstream_request: StoredBody | None = None
    upstream_response: StoredBody | None = None


RecordSummary = msgspec.defstruct("RecordSummary", _MEMBERS, frozen=True)
RecordDetail = msgspec.defstruct(
    "RecordDetail",
    [
        *((name, dict[str, str] if name == "tags" else kind) for name, kind in _MEMBERS),
        ("attempts_detail", list[AttemptDetail]),
        ("route_steps", list[str]),
        ("bodies", BodySizes | None),
        ("session_id", str | None),
    ],
    frozen=True,
)
RecordPage = msgspec.defstruct("RecordPage", [("items", list[RecordSummary]), ("next", str | None)], frozen=True)
BODIES: tuple[type[msgspec.Struct], ...] = (RecordPage, RecordDetail, RecordBodies)


def detail(record: query.Record, sizes: read.Sizes | None) -> dict[str, Any]:
    """A record, with what it holds as text parsed."""
    tags, route = str(record["tags"]), str(record["route"])
    return {
        **record,
        "tags": msgspec.json.decode(tags) if tags else {},
        "attempts_detail": _attempts(record),
        "route_steps": route.split("; ") if route else [],
        "bodies": None if sizes is None else sizes._asdict(),
        "session_id": _session_id(record),
    }


def _session_id(record: query.Record) -> str | None:
    """The id of the session that the call belongs to, for `GET /sessions/ID`."""
    caller, team, session = (str(record[name]) for name in ("caller", "team", "session"))
    return add.session_id(caller, team, session) if session else None


def _attempts(record: query.Record) -> list[dict[str, Any]]:
    """The attempts; the log is empty where the only one succeeded."""
    if record["attempt_log"]:
        return msgspec.json.decode(str(record["attempt_log"]))
    if not record["attempts"]:
        return []
    tokens = [record[name] for name in ("input_tokens", "output_tokens")]
    only = AttemptDetail(
        str(record["provider"]),
        str(record["model_served"]),
        str(record["key_name"]),
        int(str(record["status"])),
        str(record["outcome"]),
        sent=True,
        billed=True,
        ms=int(str(record["latency_us"])) // 1000,
        input_tokens=None if tokens[0] is None else _sum(record, query.INPUT),
        output_tokens=None if tokens[1] is None else _sum(record, query.OUTPUT),
        cost_nanousd=None if record["cost_nanousd"] is None else int(str(record["cost_nanousd"])),
        reason="",
    )
    return [msgspec.to_builtins(only)]


def _sum(record: query.Record, columns: tuple[str, ...]) -> int:
    return sum(int(str(record[name] or 0)) for name in columns)


def shown_body(body: read.Body) -> StoredBody:
    """A body as JSON can hold it. One that is cut off may end within a character, which is left out."""
    text = None
    try:
        text, _ = codecs.utf_8_decode(body.data, "strict", not body.truncated)
    except UnicodeDecodeError:
        return StoredBody(body.bytes, body.truncated, None, base64.b64encode(body.data).decode())
    return StoredBody(body.bytes, body.truncated, text, None)
