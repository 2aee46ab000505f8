"""Recorded traffic of the Responses API, each row with a verdict, without sockets.

Its request survives, or is refused by a rule that is written here (`why_refused`); its answer is read whatever its
form, with the provider's own usage and words; a stream is read the same however it is cut.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from asbru.core.chat import ChatRequest, TextPart
from asbru.core.errors import BadRequest
from asbru.core.reply import PartDelta, PartStart, ReplyEnd, StreamEvent, UsageReport
from asbru.core.traits import PLAIN
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as CHAT
from asbru.dialects.openai_responses import DIALECT

RANDOM_CUTS = 20
STAYS = ("previous_response_id", "conversation", "prompt", "background")
"""What only a provider of this API can have: a request with it is not translated."""
FINISHED = ("completed", "incomplete")
STREAM_BEGINS = (b"event:", b"data:", b"id:", b":")


def judge(raw: dict[str, Any]) -> None:
    """The verdict of one row: raises what was found."""
    if raw["status"] == 200:
        _judge_request(encoded(raw["request_body"]))
    body = encoded(raw["response_body"])
    if raw["status"] >= 400:
        _judge_error(raw["status"], body)
    else:
        judge_answer(raw["id"], body)


def judge_answer(name: str, body: bytes) -> None:
    """The same of a good answer alone, whole or streamed."""
    if body.lstrip().startswith(STREAM_BEGINS):
        if b"response.completed" in body:
            _judge_stream(name, body)
        else:
            read_stream([body])
    elif b'"output"' in body:
        _judge_reply(body)


def encoded(value: Any) -> bytes:
    """A recorded body as bytes."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def _judge_error(status: int, body: bytes) -> None:
    error = DIALECT.errors.read(status, body)
    assert (error.status, error.body) == (status, body)
    assert error.message in body.decode().replace("\\n", "\n").replace('\\"', '"')


def _judge_request(body: bytes) -> None:
    try:
        members = json.loads(body)
    except ValueError:
        return
    if not isinstance(members, dict) or not {"model", "input"} <= members.keys():
        return
    head = DIALECT.operations[0].read_head(body, {}, b"")
    assert (head.model, head.stream) == (members["model"], bool(members.get("stream")))
    rule = why_refused(members)
    try:
        request = DIALECT.chat.read_request(body)
    except BadRequest as error:
        assert rule is not None and rule in str(error.param), error
        return
    assert rule is None, f"expected a refusal for {rule}"
    found = list(_written(request))
    assert not found, found


def why_refused(members: dict[str, Any]) -> str | None:
    """The rule by which a request stays with providers of this API; None: it is read."""
    found = next((name for name in STAYS if members.get(name)), None)
    items = members["input"] if isinstance(members["input"], list) else []
    kinds = {item.get("type") for item in items}
    if found is None and kinds & {"item_reference", "compaction"}:
        return "type"
    return "input" if found is None and not members["input"] else found


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


def words_of(response: dict[str, Any]) -> str:
    """What a response says, by the provider's own items."""
    contents = [one for item in response["output"] if item["type"] == "message" for one in item["content"]]
    return "".join(one.get("text") or "" for one in contents)


def tokens_of(response: dict[str, Any]) -> tuple[int, int] | None:
    """What the provider counted."""
    usage = response.get("usage")
    return None if not usage else (usage["input_tokens"], usage["output_tokens"])


def read_stream(pieces: list[bytes]) -> list[StreamEvent]:
    """The events of a stream."""
    reader = DIALECT.chat.stream_reader()
    return [event for piece in pieces for event in reader.feed(piece)] + reader.close()


def _judge_reply(body: bytes) -> None:
    response = json.loads(body)
    if response.get("object") != "response" or response.get("status") not in FINISHED:
        return
    reply = DIALECT.chat.read_reply(body)
    said = "".join(part.text for part in reply.choices[0].parts if isinstance(part, TextPart))
    counted = reply.usage and (reply.usage.input_total, reply.usage.output_total)
    assert (said, counted) == (words_of(response), tokens_of(response))
    assert DIALECT.chat.read_reply(DIALECT.chat.write_reply(reply).body).choices == reply.choices
    for other in (CHAT, ANTHROPIC):
        other.chat.read_reply(other.chat.write_reply(reply).body)


def _judge_stream(name: str, body: bytes) -> None:
    events = read_stream([body])
    chance = random.Random(name)
    for _ in range(RANDOM_CUTS):
        at = sorted(chance.randrange(len(body)) for _ in range(3))
        assert read_stream([body[a:b] for a, b in zip([0, *at], [*at, len(body)], strict=True)]) == events, at
    lines = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")]
    response = next(event["response"] for line in reversed(lines) if "response" in (event := json.loads(line)))
    texts = {e.index for e in events if isinstance(e, PartStart) and isinstance(e.part, TextPart)}
    said = "".join(e.text or "" for e in events if isinstance(e, PartDelta) and e.index in texts)
    reports = [event.usage for event in events if isinstance(event, UsageReport)]
    counted = (reports[-1].input_total, reports[-1].output_total) if reports else None
    assert any(isinstance(event, ReplyEnd) for event in events), events[-1]
    assert (said, counted) == (words_of(response), tokens_of(response))
