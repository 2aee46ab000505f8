"""What a caller must get through the gateway when a recording is the upstream: whole, and cut.

Pure judgements over answers and bytes; `gateway.py` makes the calls.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from typing import Any

from tests.recordings.caller import UpstreamResponse
from tests.recordings.corpus import ANTHROPIC, OPENAI, Row
from tests.recordings.reading import (
    data_end,
    events,
    expected_stream,
    has_error,
    is_error_in_200,
    is_fault,
    is_terminal,
    is_usage_only,
    json_of,
    shows_content,
)
from tests.recordings.upstream import Order

PATHS = {
    (OPENAI, "chat"): "/v1/chat/completions",
    (OPENAI, "embeddings"): "/v1/embeddings",
    (ANTHROPIC, "chat"): "/anthropic/v1/messages",
    (ANTHROPIC, "count_tokens"): "/anthropic/v1/messages/count_tokens",
}
PROVIDERS = {OPENAI: "replay-openai", ANTHROPIC: "replay-anthropic"}
KEY_RESTING = frozenset({401, 402, 403, 429})
"""Statuses after which a gateway rests the key: such a row gets a provider of its own."""
KEY_REFUSED = frozenset({401, 402, 403})
"""Statuses about the key that the gateway holds: its caller hears 502 and `KEYS_EXHAUSTED`, in Asbru's words."""
KEYS_EXHAUSTED = "upstream_credentials_exhausted"


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


def due_status(row: Row) -> int:
    """The status that the caller hears: the recorded one, but 502 for a refused key, and an error's own in a 200."""
    if row.status in KEY_REFUSED:
        return 502
    return json.loads(row.answer)["error"].get("status", 502) if is_error_in_200(row) else row.status


def judge_whole(row: Row, answer: UpstreamResponse) -> list[str]:
    """A same-dialect caller's answer: status, completeness, bytes (or JSON where objects were recorded)."""
    if answer.status == 0:
        return ["gateway: no answer"]
    if row.status in KEY_REFUSED:
        return _judge_exhausted(row, answer)
    reasons: list[str] = []
    if answer.status != due_status(row):
        reasons.append(f"gateway: status {answer.status}, due {due_status(row)}: {answer.body[:120]!r}")
    elif not answer.complete:
        reasons.append("gateway: the answer's framing is not complete")
    else:
        reasons += _judge_body(row, answer.body)
    return reasons


def _judge_body(row: Row, body: bytes) -> list[str]:
    """The body as recorded; an error that is not of the dialect's form is due in that form."""
    if row.stream:
        expected = expected_stream(row)
        return [] if body == expected else [f"gateway: stream differs {_where(expected, body)}"]
    if row.shape == "error" and not _is_error(row.answer, row.dialect):
        return [] if _is_error(body, row.dialect) else [f"gateway: not {row.dialect}'s form: {body[:120]!r}"]
    if row.exact:
        return [] if body == row.answer else [f"gateway: body differs {_where(row.answer, body)}"]
    return [] if json_of(body) == json_of(row.answer) else ["gateway: body is not equal as JSON"]


def _judge_exhausted(row: Row, answer: UpstreamResponse) -> list[str]:
    """The caller's key is good and the gateway's is not: 502, with the provider's status named, in the dialect."""
    if answer.status != 502 or not answer.complete:
        return [f"gateway: status {answer.status} for a refused key, expected 502: {answer.body[:120]!r}"]
    if not _is_error(answer.body, row.dialect):
        return [f"gateway: not {row.dialect}'s form: {answer.body[:120]!r}"]
    error = json.loads(answer.body)["error"]
    if row.dialect == OPENAI and error.get("code") != KEYS_EXHAUSTED:
        return [f"gateway: code {error.get('code')} for a refused key"]
    if str(row.status) not in error["message"]:
        return [f"gateway: the message does not name the provider's {row.status}: {error['message'][:120]!r}"]
    return []


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
    """Judges cut replays of one stream; what the whole stream holds is worked out once.

    A stream that was cut after its terminal sign is whole, and one cut after an error of its own needs no second one
    (OpenRouter sends it beside choices: the SDKs raise it all the same). A finish reason is not
    such a sign: these cuts break the connection, and only an end that was clean could stand for one.
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        wire = events(row.answer)
        withheld = row.dialect == OPENAI and not row.asked_usage
        self.expected = expected_stream(row)
        self.ends = [0]  # of each event as it came ...
        self.due_ends = [0]  # ... and of what a caller has by then
        for event in wire:
            size = 0 if withheld and is_usage_only(event) else event.end - event.start
            self.ends.append(event.end)
            self.due_ends.append(self.due_ends[-1] + size)
        last = len(row.answer) + 1
        self.content_at = min((e.end for e in wire if shows_content(e, row.dialect)), default=last)
        closing = [e for e in wire if is_terminal(e, row.dialect) or has_error(e)]
        self.closed_at = closing[0].end if closing else last
        self.closed_data_at = data_end(row.answer, closing[0]) if closing else last

    def due(self, cut: int) -> bytes:
        """The whole events a caller must see of the first `cut` bytes."""
        return self.expected[: self.due_ends[bisect_right(self.ends, cut) - 1]]

    def judge(self, cut: int, answer: UpstreamResponse) -> str:
        """A complaint about the answer to a stream cut after `cut` bytes, or ""."""
        dialect = self.row.dialect
        if answer.status == 0 or not answer.complete:
            return "no whole answer"
        if answer.status != 200:
            if cut >= self.content_at:
                return f"status {answer.status} after content was received"
            return "" if answer.status >= 500 and _is_error(answer.body, dialect) else "not a 5xx of the dialect"
        due = self.due(cut)
        if not answer.body.startswith(due):
            return f"whole events are missing {_where(due, answer.body)}"
        rest = answer.body[len(due) :]
        if cut >= self.closed_at:
            return "" if not rest else f"{rest[:80]!r} after the end"
        if cut >= self.closed_data_at and answer.body.rstrip() == self.due(self.closed_at).rstrip():
            return ""  # only line ends were missing
        added = events(rest)
        if len(added) != 1 or added[0].end != len(rest) or not is_fault(added[0], dialect):
            return f"no error event after the whole events, but {rest[-60:]!r}"
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
