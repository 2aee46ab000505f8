"""Recorded traffic of the Responses API through every reader and writer; run by `make recordings`.

Each recording has one verdict: its request survives, or is refused by a rule that is written here; its answer is read
whatever its form, with the provider's own usage and words; a stream is read the same however it is cut.
"""

from __future__ import annotations

import json
import lzma
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asbru.core.chat import ChatRequest, TextPart
from asbru.core.errors import BadRequest
from asbru.core.reply import PartDelta, PartStart, ReplyEnd, StreamEvent, UsageReport
from asbru.core.traits import PLAIN
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as CHAT
from asbru.dialects.openai_responses import DIALECT

pytestmark = pytest.mark.recordings

ROOT = Path(__file__).resolve().parents[3]
RECORDING = "provider-traffic.jsonl.xz"
RANDOM_CUTS = 20
STAYS = ("previous_response_id", "conversation", "prompt", "background")
"""What only a provider of this API can have: a request with it is not translated."""


def recorded() -> list[dict[str, Any]]:
    """Recorded calls of the Responses API; skips where the recordings are not at hand."""
    for place in (os.environ.get("ASBRU_RECORDINGS"), ROOT.parent / "shared" / "recordings"):
        file = Path(place) / RECORDING if place else None
        if file and file.exists():
            with lzma.open(file, "rt") as lines:
                rows = (json.loads(line) for line in lines)
                return [row for row in rows if _is_ours(row)]
    pytest.skip("no recordings: set ASBRU_RECORDINGS or put them in ../shared/recordings")


def _is_ours(row: dict[str, Any]) -> bool:
    return row["api"] == "responses" and row["level"] == "wire" and row["usable"] and row["method"] == "POST"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """All of them, read once."""
    return recorded()


def encoded(value: Any) -> bytes:
    """A recorded body as bytes."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def asked_of(rows: list[dict[str, Any]]) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Requests that a provider has accepted: bodies with a model and an input."""
    for row in rows:
        body = encoded(row["request_body"])
        try:
            members = json.loads(body)
        except ValueError:
            continue
        if row["status"] == 200 and isinstance(members, dict) and {"model", "input"} <= members.keys():
            yield row["id"], body, members


def why_refused(members: dict[str, Any]) -> str | None:
    """The rule by which a request stays with providers of this API; None: it is read."""
    found = next((name for name in STAYS if members.get(name)), None)
    items = members["input"] if isinstance(members["input"], list) else []
    kinds = {item.get("type") for item in items}
    if found is None and kinds & {"item_reference", "compaction"}:
        return "type"
    return "input" if found is None and not members["input"] else found


def test_every_recorded_request_survives(rows: list[dict[str, Any]]) -> None:
    """Each is read, written for its own API, read the same again; and written for the others, or refused by a rule."""
    wrong: dict[str, str] = {}
    count = 0
    for name, body, members in asked_of(rows):
        count += 1
        head = DIALECT.operations[0].read_head(body, {}, b"")
        assert (head.model, head.stream) == (members["model"], bool(members.get("stream"))), name
        rule = why_refused(members)
        try:
            request = DIALECT.chat.read_request(body)
        except BadRequest as error:
            if rule is None or rule not in str(error.param):
                wrong[name] = str(error)
            continue
        if rule is not None:
            wrong[name] = f"expected a refusal for {rule}"
            continue
        for why in _written(request):
            wrong[name] = why
    assert not wrong, f"{len(wrong)} of {count}: {dict(list(wrong.items())[:5])}"


def _written(request: ChatRequest) -> Iterator[str]:
    written = DIALECT.chat.write_request(request, request.model, PLAIN)
    if written.notes:
        yield f"notes {written.notes}"
    if DIALECT.chat.read_request(written.body) != request:
        yield "read otherwise"
    for other in (CHAT, ANTHROPIC):
        body = other.chat.write_request(request, "m", PLAIN).body
        if not json.loads(body)["messages"] and _says_anything(request):
            yield f"nothing is left for {other.name}"


def _says_anything(request: ChatRequest) -> bool:
    """Whether a user has: empty texts, which this API takes, are none elsewhere."""
    return any(getattr(part, "text", "x") for one in request.messages if one.role == "user" for part in one.parts)


def answers(rows: list[dict[str, Any]], *, stream: bool) -> list[tuple[str, bytes]]:
    """Recorded answers with status 200 that hold a response."""
    found = [(row["id"], encoded(row["response_body"])) for row in rows if row["status"] == 200]
    begins = (b"event:", b"data:", b"id:", b":")
    return [
        (name, body) for name, body in found if body.lstrip().startswith(begins) is stream and b'"output"' in body
    ]


def words_of(response: dict[str, Any]) -> str:
    """What a response says, by the provider's own items."""
    contents = [one for item in response["output"] if item["type"] == "message" for one in item["content"]]
    return "".join(one.get("text") or "" for one in contents)


def tokens_of(response: dict[str, Any]) -> tuple[int, int] | None:
    """What the provider counted."""
    usage = response.get("usage")
    return None if not usage else (usage["input_tokens"], usage["output_tokens"])


def test_every_recorded_answer_is_read(rows: list[dict[str, Any]]) -> None:
    """Its words and its usage are the provider's; written again it says the same."""
    wrong: dict[str, str] = {}
    found = answers(rows, stream=False)
    for name, body in found:
        response = json.loads(body)
        if response.get("object") != "response" or response.get("status") not in ("completed", "incomplete"):
            continue
        reply = DIALECT.chat.read_reply(body)
        said = "".join(part.text for part in reply.choices[0].parts if isinstance(part, TextPart))
        counted = reply.usage and (reply.usage.input_total, reply.usage.output_total)
        if (said, counted) != (words_of(response), tokens_of(response)):
            wrong[name] = f"{said[:60]!r}, {counted}, not {words_of(response)[:60]!r}, {tokens_of(response)}"
        if DIALECT.chat.read_reply(DIALECT.chat.write_reply(reply).body).choices != reply.choices:
            wrong[name] = "written otherwise"
        for other in (CHAT, ANTHROPIC):
            other.chat.read_reply(other.chat.write_reply(reply).body)
    assert not wrong, f"{len(wrong)} of {len(found)}: {dict(list(wrong.items())[:5])}"


def read_stream(pieces: list[bytes]) -> list[StreamEvent]:
    """The events of a stream."""
    reader = DIALECT.chat.stream_reader()
    return [event for piece in pieces for event in reader.feed(piece)] + reader.close()


def test_every_recorded_stream_is_read(rows: list[dict[str, Any]]) -> None:
    """The same however it is cut: its end, its words and its usage are the provider's."""
    wrong: dict[str, str] = {}
    found = answers(rows, stream=True)
    chance = random.Random(7)
    for name, body in found:
        if b"response.completed" not in body:
            continue
        events = read_stream([body])
        for _ in range(RANDOM_CUTS):
            at = sorted(chance.randrange(len(body)) for _ in range(3))
            cut = [body[a:b] for a, b in zip([0, *at], [*at, len(body)], strict=True)]
            if read_stream(cut) != events:
                wrong[name] = f"cut at {at}"
        lines = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")]
        response = next(event["response"] for line in reversed(lines) if "response" in (event := json.loads(line)))
        texts = {e.index for e in events if isinstance(e, PartStart) and isinstance(e.part, TextPart)}
        said = "".join(e.text or "" for e in events if isinstance(e, PartDelta) and e.index in texts)
        reports = [event.usage for event in events if isinstance(event, UsageReport)]
        counted = (reports[-1].input_total, reports[-1].output_total) if reports else None
        if not any(isinstance(event, ReplyEnd) for event in events):
            wrong[name] = f"no end: {events[-1]}"
        elif (said, counted) != (words_of(response), tokens_of(response)):
            wrong[name] = f"{said[:60]!r}, {counted}, not {words_of(response)[:60]!r}, {tokens_of(response)}"
    assert not wrong, f"{len(wrong)} of {len(found)}: {dict(list(wrong.items())[:5])}"
