"""What Cohere was recorded to send and to be sent: read, written back, cut, and told in every other dialect.

Rows of its first version (`/v1/chat`, `/v1/generate`, `/v1/rerank`) are left out: Asbru does not speak it.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.kits import matrix, own_checks
from tests.kits.dialects import Case, Subject, discover
from tests.recordings import corpus

from asbru.core.usage import Usage
from asbru.dialects.cohere import DIALECT
from asbru.dialects.cohere.usage import usage_of

pytestmark = pytest.mark.recordings

SERVED = ("/v2/chat", "/v2/embed", "/v2/rerank")
WHOLE_CUTS_BYTES_MAX = 4096
"""Longer streams are not cut at every byte."""
ROWS_MIN = 25


def rows() -> list[dict[str, Any]]:
    """The rows of the API that Asbru speaks, and fixtures of chats."""
    path = corpus.find()
    if path is None:
        pytest.skip("no recordings")
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        found = [row for line in lines if '"cohere"' in line and (row := json.loads(line))["provider"] == "cohere"]
    return [row for row in found if _path(row) in SERVED or (not row["url"] and row["response_body"])]


def _path(row: dict[str, Any]) -> str:
    return urlsplit(row["url"] or "").path


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def cases(kind: str) -> Iterator[tuple[str, Case]]:
    """The cases of a kind among the rows, with their ids."""
    for row in rows():
        if kind == "request":
            body = row["request_body"]
            if _path(row) == "/v2/chat" and isinstance(body, dict):
                yield row["id"], Case(row["id"], kind, _bytes(body), {"wire": body})
            continue
        data = _bytes(row["response_body"])
        is_stream = data.startswith((b"data:", b"event:"))
        is_chat = b'"message"' in data or is_stream
        found = "error" if row["status"] >= 400 else "stream" if is_stream else "reply" if is_chat else ""
        if found == kind:
            wire = {"status": row["status"]} if kind == "error" else json.loads(data) if kind == "reply" else ""
            yield row["id"], Case(row["id"], kind, data, {"wire": wire})


CHECKS: dict[str, tuple[Callable[[Subject, Case], None], ...]] = {
    "request": (own_checks.head_agrees_with_the_request, own_checks.rewrite_changes_what_it_must),
    "reply": (own_checks.reply_is_written_back, own_checks.reply_tells_its_usage),
    "stream": (own_checks.stream_is_written_back, own_checks.stream_tells_its_usage_and_end),
    "error": (own_checks.error_is_kept,),
}


@pytest.mark.parametrize("kind", CHECKS)
def test_each_row_holds(kind: str) -> None:
    """In its own dialect, and told in every other one: nothing is lost that no note names."""
    subjects = discover()
    own = subjects[DIALECT.name]
    wrong: list[str] = []
    count = 0
    for row_id, case in cases(kind):
        count += 1
        for check in CHECKS[kind]:
            _try(wrong, row_id, check, own, case)
        for target in subjects.values():
            if target is not own:
                _try(wrong, row_id, matrix.CHECKS[kind], own, case, target)
        if kind == "stream" and len(case.wire) <= WHOLE_CUTS_BYTES_MAX:
            _try(wrong, row_id, own_checks.stream_is_the_same_cut_anywhere, own, case)
    assert wrong == []
    assert count


def _try(wrong: list[str], row_id: str, check: Callable[..., None], *arguments: object) -> None:
    try:
        check(*arguments)
    except AssertionError as error:
        wrong.append(f"{row_id} {check.__name__}: {str(error)[:300]}")


def test_usage_is_what_cohere_bills() -> None:
    """In every row that reports billed units, of all calls."""
    count = 0
    for row in rows():
        data = _bytes(row["response_body"])
        if data.startswith((b"data:", b"event:")):
            usage, told = DIALECT.passing.tail(data).usage, _billed(_last_event(data)["delta"])
        elif row["status"] < 400:
            usage, told = usage_of(data), _billed(json.loads(data))
        else:
            continue
        if told:
            count += 1
            assert isinstance(usage, Usage), row["id"]
            assert (usage.input, usage.output) == (told.get("input_tokens", 0), told.get("output_tokens", 0))
            assert dict(usage.units) == ({"search": told["search_units"]} if "search_units" in told else {})
    assert count >= ROWS_MIN


def _billed(body: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = (body.get("usage") or body.get("meta") or {}).get("billed_units", {})
    return found


def _last_event(data: bytes) -> dict[str, Any]:
    lines = [line[5:] for line in data.splitlines() if line.startswith(b"data:") and b"[DONE]" not in line]
    found: dict[str, Any] = json.loads(lines[-1])
    return found
