"""Recorded traffic of the Messages API through every reader and writer; run by `make recordings`."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from asbru.core.chat import ChatRequest
from asbru.core.reply import ReplyEnd, StreamEvent, UsageReport
from asbru.core.traits import PLAIN
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages import DIALECT

WHOLE_CUTS_BYTES_MAX = 2048
RANDOM_CUTS = 40

pytestmark = pytest.mark.recordings


def encoded(value: Any) -> bytes:
    """A recorded body as bytes."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def normal(value: Any, top: bool = True) -> Any:
    """JSON without what the dialect normalises: see `request.py`."""
    if isinstance(value, list):
        return [normal(inner, False) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {name: normal(inner, False) for name, inner in value.items() if inner is not None}
    if (found.get("type"), found.get("is_error")) == ("tool_result", False):
        del found["is_error"]
    if found.get("type") == "custom":
        del found["type"]
    if top and found.get("stream") is False:
        del found["stream"]
    if top and "output_format" in found:
        found["output_config"] = {**found.get("output_config", {}), "format": found.pop("output_format")}
    return found


def test_every_recorded_request_survives(recorded: list[dict[str, Any]]) -> None:
    """Each accepted request is read, written back equal as JSON, and read the same again."""
    count = 0
    for row in recorded:
        if row["status"] == 400:
            continue
        count += 1
        body = encoded(row["request_body"])
        request = DIALECT.chat.read_request(body)
        head = DIALECT.operations[0].read_head(body, {}, b"")
        assert (head.model, head.stream) == (request.model, request.stream), row["id"]
        assert DIALECT.passing.rewrite(head, head.model, True, frozenset()) is None, row["id"]
        written = DIALECT.chat.write_request(request, request.model, PLAIN)
        again = normal(json.loads(written.body))
        if row["api"] == "count_tokens":
            del again["max_tokens"]
        else:
            assert written.notes == (), row["id"]
            assert DIALECT.chat.read_request(written.body) == request, row["id"]
        assert again == normal(json.loads(body)), row["id"]
    if not count:
        pytest.skip("the recordings hold none")


def answers(recorded: list[dict[str, Any]], stream: bool) -> list[tuple[str, bytes]]:
    """Recorded answers with status 200."""
    found = [
        (row["id"], encoded(row["response_body"]))
        for row in recorded
        if row["api"] == "messages" and row["status"] == 200
    ]
    return [(name, body) for name, body in found if body.lstrip().startswith(b"event:") is stream]


def told(wire: dict[str, Any]) -> tuple[int, int]:
    """Input and output tokens by the provider's own arithmetic: a compaction is in the list of iterations alone."""
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    billed = [wire, *(one for one in wire.get("iterations") or () if one["type"] == "compaction")]
    return sum(one.get(name) or 0 for one in billed for name in names), sum(one["output_tokens"] for one in billed)


def totals(usage: Usage | None) -> tuple[int, int] | None:
    """Input and output tokens by our buckets."""
    return usage and (usage.input_total, usage.output_total)


def test_every_recorded_answer_survives(recorded: list[dict[str, Any]]) -> None:
    """Each whole answer is written back equal, and its usage is the provider's."""
    found = answers(recorded, stream=False)
    for name, body in found:
        reply = DIALECT.chat.read_reply(body)
        written = DIALECT.chat.write_reply(reply)
        before, after = normal(json.loads(body)), normal(json.loads(written.body))
        used, told_again = before.pop("usage"), after.pop("usage")
        assert before == after, name
        assert used.items() <= {**told_again, **used}.items(), name
        assert all(told_again[key] == used[key] for key in used), name
        assert written.notes == (), name
        assert totals(reply.usage) == totals(DIALECT.passing.usage_of(body)) == told(used), name
    if not found:
        pytest.skip("the recordings hold none")


def read_all(data: bytes, *cuts: int) -> list[StreamEvent]:
    """The events of a stream that arrives in pieces."""
    reader = DIALECT.chat.stream_reader()
    events: list[StreamEvent] = []
    for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
        events += reader.feed(data[start:end])
    return events + reader.close()


def test_every_recorded_stream_survives(
    recorded: list[dict[str, Any]], check_stream: Callable[[bytes], list[tuple[str, dict[str, Any]]]]
) -> None:
    """Each stream is the same cut anywhere, is written back to the same events, and its usage is the provider's."""
    draw = random.Random(7)
    found = answers(recorded, stream=True)
    for name, data in found:
        events = read_all(data)
        assert isinstance(events[-1], ReplyEnd), name
        small = len(data) <= WHOLE_CUTS_BYTES_MAX
        cuts = range(1, len(data)) if small else [draw.randrange(1, len(data)) for _ in range(RANDOM_CUTS)]
        assert all(read_all(data, cut) == events for cut in cuts), name
        writer = DIALECT.chat.stream_writer(ChatRequest(model="m", messages=()))
        written = writer.write(events)
        check_stream(written)
        assert read_all(written) == events, name
        assert writer.notes == (), name
        last = [event.usage for event in events if isinstance(event, UsageReport)][-1]
        tail = DIALECT.passing.tail(data[-4096:])
        assert tail.complete and DIALECT.passing.prelude(data) is True, name
        assert DIALECT.passing.merge_usage(DIALECT.passing.head_usage(data[:4096]), tail.usage) == last, name
        assert totals(last) == told_in_stream(data), name
    if not found:
        pytest.skip("the recordings hold none")


def told_in_stream(data: bytes) -> tuple[int, int]:
    """The provider's totals: later counts replace earlier ones."""
    used: dict[str, Any] = {}
    for line in data.decode().splitlines():
        event = json.loads(line[5:]) if line.startswith("data:") else {}
        found = event.get("message", {}).get("usage") or event.get("usage") or {}
        used.update({name: count for name, count in found.items() if count is not None})
    return told(used)


def test_every_recorded_error_is_read(recorded: list[dict[str, Any]]) -> None:
    """Each error answer keeps its type and message and is passed on as it came."""
    errors = [row for row in recorded if row["status"] >= 400]
    for row in errors:
        body = encoded(row["response_body"])
        error = DIALECT.errors.read(row["status"], body)
        wire = json.loads(body)["error"]
        assert (error.type, error.message) == (wire["type"], wire["message"])
        assert DIALECT.errors.write(error, "req_1") == body
    if not errors:
        pytest.skip("the recordings hold none")
