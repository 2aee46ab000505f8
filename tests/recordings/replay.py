"""What a caller must get through the gateway when a recording is the upstream: whole, and cut.

Pure judgements over answers and bytes; `gateway.py` makes the calls.
"""

from __future__ import annotations

import json
from typing import Any

from tests.recordings.caller import Answer
from tests.recordings.corpus import ANTHROPIC, OPENAI, Row
from tests.recordings.reading import (
    Event,
    data_end,
    events,
    expected_stream,
    is_fault,
    is_terminal,
    is_usage_only,
    shows_content,
)
from tests.recordings.upstream import Order

PATHS = {OPENAI: "/v1/chat/completions", ANTHROPIC: "/anthropic/v1/messages"}
PROVIDERS = {OPENAI: "replay-openai", ANTHROPIC: "replay-anthropic"}
KEY_RESTING = frozenset({401, 402, 403, 429})
"""Statuses after which a gateway rests the key: such a row gets a provider of its own."""


def provider_of(row: Row) -> str:
    """The configured provider that replays this row."""
    return f"replay-{row.id}" if row.status in KEY_RESTING else PROVIDERS[row.dialect]


def request_body(row: Row, order: Order) -> bytes:
    """The recorded request, with the model that asks for `order`; a stand-in where it is not JSON."""
    body: dict[str, Any] = {"model": "", "messages": [{"role": "user", "content": "hi"}]}
    body = dict(row.request) if row.request is not None else body
    body["model"] = f"{provider_of(row)}/{order.model()}"
    return json.dumps(body, ensure_ascii=False).encode()


def headers(row: Row) -> tuple[tuple[str, str], ...]:
    """The recorded beta and version headers, with the version Anthropic requires."""
    if row.dialect == OPENAI:
        return ()
    return tuple({"anthropic-version": "2023-06-01", **dict(row.beta)}.items())


def judge_whole(row: Row, answer: Answer) -> list[str]:
    """A same-dialect caller's answer: status, completeness, bytes (or JSON where objects were recorded)."""
    if answer.status == 0:
        return ["gateway: no answer"]
    reasons: list[str] = []
    if answer.status != row.status:
        reasons.append(f"gateway: status {answer.status}, recorded {row.status}: {answer.body[:120]!r}")
    elif not answer.complete:
        reasons.append("gateway: the answer's framing is not complete")
    elif row.stream:
        if answer.body not in (expected_stream(row), row.answer):
            reasons.append(f"gateway: stream differs {_where(expected_stream(row), answer.body)}")
    elif row.exact and answer.body != row.answer:
        reasons.append(f"gateway: body differs {_where(row.answer, answer.body)}")
    elif not row.exact and json.loads(answer.body) != json.loads(row.answer):
        reasons.append("gateway: body is not equal as JSON")
    return reasons


def _where(expected: bytes, got: bytes) -> str:
    """The first place where two bodies part."""
    at = next((i for i, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b), None)
    at = min(len(expected), len(got)) if at is None else at
    return f"at {at} of {len(expected)}/{len(got)}: {expected[at : at + 40]!r} / {got[at : at + 40]!r}"


def judge_request(row: Row, order: Order, seen: bytes | None) -> list[str]:
    """What the upstream got: the caller's body with its own model name, and usage asked for."""
    if seen is None:
        return ["gateway: the request never reached the upstream"]
    sent = json.loads(request_body(row, order))
    sent["model"] = order.model()
    got = json.loads(seen)
    if sent.get("stream") and row.dialect == OPENAI and not row.asked_usage:
        if not (got.get("stream_options") or {}).get("include_usage"):
            return ["gateway: usage was not asked for upstream"]
        for body in (sent, got):
            options = dict(body.pop("stream_options", None) or {})
            options.pop("include_usage", None)
            body["stream_options"] = options
    if sent != got:
        changed = sorted(k for k in {*sent, *got} if sent.get(k) != got.get(k))
        return [f"gateway: the forwarded request differs in {changed}"]
    return []


class CutJudge:
    """Judges cut replays of one stream; what the whole stream holds is worked out once."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.wire: list[Event] = events(row.answer)
        self.withheld = row.dialect == OPENAI and not row.asked_usage

    def due(self, cut: int) -> tuple[bytes, list[Event]]:
        """The whole events a caller must see of the first `cut` bytes."""
        done = [e for e in self.wire if e.end <= cut]
        shown = [e for e in done if not (self.withheld and is_usage_only(e))]
        return b"".join(self.row.answer[e.start : e.end] for e in shown), done

    def judge(self, cut: int, answer: Answer) -> str:
        """A complaint about the answer to a stream cut after `cut` bytes, or ""."""
        due, done = self.due(cut)
        dialect = self.row.dialect
        if answer.status == 0 or not answer.complete:
            return "no whole answer"
        if answer.status != 200:
            if any(shows_content(e, dialect) for e in done):
                return f"status {answer.status} after content was received"
            return "" if answer.status >= 500 and _is_error(answer.body, dialect) else "not a 5xx of the dialect"
        if not answer.body.startswith(due):
            return f"whole events are missing {_where(due, answer.body)}"
        rest = answer.body[len(due) :]
        if any(is_terminal(e, dialect) or is_fault(e, dialect) for e in done):
            return "" if not rest else f"{rest[:80]!r} after the end"
        ended = next((e for e in self.wire if is_terminal(e, dialect)), None)
        if ended and data_end(self.row.answer, ended) <= cut and answer.body == self.due(ended.end)[0]:
            return ""  # only line ends were missing, and they were supplied
        added = events(rest)
        if len(added) != 1 or added[0].end != len(rest) or not is_fault(added[0], dialect):
            return f"no error event at the end but {rest[-120:]!r}"
        return ""


def _is_error(body: bytes, dialect: str) -> bool:
    """Whether a body is an error answer in the dialect's form."""
    try:
        data = json.loads(body)
    except ValueError:
        return False
    if not isinstance(data, dict) or not isinstance(data.get("error"), dict):
        return False
    return bool(data["error"].get("message")) and (dialect == OPENAI or data.get("type") == "error")
