"""Google's rows: calls of the Gemini API and of Vertex AI, each with a verdict, without sockets.

A request must be read, written back in its own dialect unchanged, and carried to every other one or noted; the same of
replies, whole and streamed; streams must read the same however they are cut; usage must be what the provider said.
The rules are those of `tests.kits`. Not here: the rows of other dialects (`corpus`, `checks`).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.kits import matrix
from tests.kits.dialects import Case, Subject, discover
from tests.kits.facts import lost, of_request, same_reply
from tests.recordings.corpus import Corpus, Row, lines_of, main_feature, row_of
from tests.recordings.cuts import grammar

from asbru.core.errors import BadRequest
from asbru.core.usage import Usage
from asbru.dialects.assemble import assemble

GEMINI = "gemini"
_METHOD = re.compile(r"/models/([^/:]+):(\w+)$")
_JUDGED = ("generateContent", "streamGenerateContent", "countTokens", "batchEmbedContents", "embedContent")
_CHAT = _JUDGED[:2]
_CUTS = 60
_UNREAD = ("cachedContent", "cached_content")
"""What is refused where it must be translated: the content is the provider's."""


def load(path: Path) -> Corpus:
    """The rows, and the count of what is left out by reason."""
    corpus = Corpus()
    for raw in lines_of(path):
        parts = urlsplit(raw["url"] or "")
        if not (parts.hostname or "").endswith("googleapis.com") or raw["api"] == "chat":
            continue
        found = _METHOD.search(parts.path)
        if found is None or found[2] not in _JUDGED:
            kind = found[2] if found else "stored objects"
            corpus.excluded[f"not an operation of the Gemini dialect: {kind}"] += 1
        elif raw["response_body"] in (None, "") or raw["truncated"] or not raw["status"]:
            corpus.excluded["no whole answer was recorded"] += 1
        else:
            corpus.rows.append(_row(raw, unquote(found[1]), found[2]))
    return corpus


def _row(raw: dict[str, Any], model: str, method: str) -> Row:
    shape = "error" if raw["status"] >= 400 else "stream" if method == "streamGenerateContent" else "json"
    row = row_of(raw, GEMINI, operation=method)
    request = row.request
    if request is not None and method in _CHAT:
        request = {"model": model, **({"stream": True} if shape == "stream" else {}), **request}
    return Row(
        **{name: getattr(row, name) for name in ("id", "provider", "dialect", "status", "content_type", "answer")},
        feature=main_feature(raw, shape),
        shape=shape,
        exact=row.exact,
        request=request,
        request_text=row.request_text,
        operation=method,
    )


def run(rows: list[Row], progress: Callable[[int], None]) -> Iterator[tuple[str, list[str]]]:
    """(id, reasons) of every row."""
    subjects = discover()
    for done, row in enumerate(rows, 1):
        progress(done)
        yield row.id, judge(row, subjects)


def judge(row: Row, subjects: dict[str, Subject]) -> list[str]:
    """Why a row fails; nothing where it passes."""
    own = subjects[GEMINI]
    others = [subject for name, subject in subjects.items() if name != GEMINI]
    checks: list[Callable[[], None]] = []
    if row.operation in _CHAT:
        if row.request is not None:
            checks.append(lambda: _request(row, own, others))
        answer = {"error": _error, "stream": _stream, "json": _reply}[row.shape]
        checks.append(lambda: answer(row, own, others))
    else:
        checks.append(lambda: _other(row, own))
    reasons: list[str] = []
    for check in checks:
        try:
            check()
        except Exception as error:  # noqa: BLE001 -- becomes the row's reason: any exception is a finding
            reasons.append(f"{type(error).__name__}: {error}"[:400])
    return reasons


def _request(row: Row, own: Subject, others: list[Subject]) -> None:
    body = json.dumps(row.request).encode()
    head = own.read_head(body)
    try:
        request = own.read_request(body)
    except BadRequest:
        if row.status == 400 or any(name in (row.request or {}) for name in _UNREAD):
            return  # its provider would not take it either, or only its provider can read it
        raise
    assert (head.model, head.stream, head.max_tokens) == (request.model, request.stream, request.max_tokens)
    written = own.write_request(request)
    assert written.notes == (), written.notes
    again = own.read_request(written.body)
    before, after = of_request(request), of_request(again)
    assert (lost(before, after), lost(after, before)) == ([], [])
    for other in others:
        matrix.carries_request(request, other)


def _reply(row: Row, own: Subject, others: list[Subject]) -> None:
    reply = own.read_reply(row.answer)
    check_usage(reply.usage, json.loads(row.answer).get("usageMetadata"))
    assert own.usage_of(row.answer) == reply.usage
    written = own.write_reply(reply)
    assert written.notes == (), written.notes
    same_reply(reply, own.read_reply(written.body))
    case = Case(row.id, "reply", row.answer, {})
    for other in others:
        matrix.reply_reaches(own, case, other)


def _stream(row: Row, own: Subject, others: list[Subject]) -> None:
    data = row.answer
    events = own.read_stream(data)
    assert grammar(events) == []
    found = assemble(events)
    assert found.complete and found.fault is None, "a whole stream was recorded"
    told = [json.loads(line[5:]) for line in re.findall(rb"^data:.*$", data, re.MULTILINE)]
    reported = [event["usageMetadata"] for event in told if "usageMetadata" in event]
    check_usage(found.reply.usage, reported[-1] if reported else None)
    tail = own.tail(data[-16_384:])
    assert tail.finished and tail.usage == found.reply.usage
    assert own.prelude(data) is True
    chance = random.Random(row.id)
    for _ in range(_CUTS):
        assert own.read_stream(data, (chance.randrange(len(data)),)) == events
    case = Case(row.id, "stream", data, {})
    again = assemble(own.read_stream(own.write_stream(events)[0]))
    same_reply(found.reply, again.reply)
    for other in others:
        matrix.stream_reaches(own, case, other)


def _error(row: Row, own: Subject, others: list[Subject]) -> None:
    error = own.read_error(row.status, row.answer)
    assert (error.status, error.body) == (row.status, row.answer)
    assert error.message == json.loads(row.answer)["error"]["message"]
    for other in others:
        matrix.reads_back(error, other)


def _other(row: Row, own: Subject) -> None:
    """Counts and embeddings: the head is read, replies of embeddings are; the usage is what was reported."""
    if row.shape == "error":
        assert own.read_error(row.status, row.answer).message
        return
    body = json.dumps(row.request).encode()
    operation = next(one for one in own.operations if one.path.endswith(f":{row.operation}"))
    assert operation.read_head(body, {"model": "m"}, b"").model == "m"
    if operation.shape is not None:
        request = operation.shape.read_request(body, b"")
        reply = operation.shape.read_reply(row.answer, b"")
        assert len(reply.vectors) == len(request.inputs)


def check_usage(usage: Usage | None, told: dict[str, Any] | None) -> None:
    """The sums are the provider's own."""
    if not told or ("promptTokenCount" not in told and "totalTokenCount" not in told):
        assert usage is None
        return
    assert usage is not None, "the provider reported usage"
    parts = {name: told.get(name) or 0 for name in ("promptTokenCount", "toolUsePromptTokenCount")}
    assert usage.input_total == sum(parts.values())
    assert usage.cache_read == (told.get("cachedContentTokenCount") or 0)
    assert usage.reasoning == (told.get("thoughtsTokenCount") or 0)
    assert usage.output_total == (told.get("candidatesTokenCount") or 0) + usage.reasoning
