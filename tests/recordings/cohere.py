"""Recorded traffic of Cohere's API (v2), each row with a verdict, without sockets.

It is read, written back, cut, and told in every other dialect; usage is what Cohere bills.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from tests.kits import matrix, own_checks
from tests.kits.dialects import Case, discover

from asbru.core.usage import Usage
from asbru.dialects.cohere import DIALECT
from asbru.dialects.cohere.usage import usage_of

SERVED = ("/v2/chat", "/v2/embed", "/v2/rerank")
WHOLE_CUTS_BYTES_MAX = 4096
"""Longer streams are not cut at every byte."""


def judge(raw: dict[str, Any]) -> None:
    """The verdict of one row: raises what was found."""
    body, data = raw["request_body"], _bytes(raw["response_body"])
    if urlsplit(raw["url"] or "").path == "/v2/chat" and isinstance(body, dict):
        case = Case(raw["id"], "request", _bytes(body), {"wire": body})
        _check(case, own_checks.head_agrees_with_the_request, own_checks.rewrite_changes_what_it_must)
    is_stream = data.startswith((b"data:", b"event:"))
    if raw["status"] >= 400:
        status = {"status": raw["status"]}
        _check(Case(raw["id"], "error", data, {"wire": status, "canonical": status}), own_checks.error_is_kept)
        return
    if is_stream:
        case = Case(raw["id"], "stream", data, {"wire": ""})
        _check(case, own_checks.stream_is_written_back, own_checks.stream_tells_its_usage_and_end)
        if len(data) <= WHOLE_CUTS_BYTES_MAX:
            own_checks.stream_is_the_same_cut_anywhere(discover()[DIALECT.name], case)
    elif b'"message"' in data:
        case = Case(raw["id"], "reply", data, {"wire": json.loads(data)})
        _check(case, own_checks.reply_is_written_back, own_checks.reply_tells_its_usage)
    _check_usage(data, is_stream=is_stream)


def _check(case: Case, *checks: Any) -> None:
    subjects = discover()
    own = subjects[DIALECT.name]
    for check in checks:
        check(own, case)
    for target in subjects.values():
        if target is not own:
            matrix.CHECKS[case.kind](own, case, target)


def _check_usage(data: bytes, *, is_stream: bool) -> None:
    told = _billed(_last_event(data)["delta"] if is_stream else json.loads(data))
    if told:
        usage = DIALECT.passing.tail(data).usage if is_stream else usage_of(data)
        assert isinstance(usage, Usage)
        assert (usage.input, usage.output) == (told.get("input_tokens", 0), told.get("output_tokens", 0))
        assert dict(usage.units) == ({"search": told["search_units"]} if "search_units" in told else {})


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _billed(body: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = (body.get("usage") or body.get("meta") or {}).get("billed_units", {})
    return found


def _last_event(data: bytes) -> dict[str, Any]:
    lines = [line[5:] for line in data.splitlines() if line.startswith(b"data:") and b"[DONE]" not in line]
    found: dict[str, Any] = json.loads(lines[-1])
    return found
