"""Every recorded chat exchange of the OpenAI family goes through the dialect; run by `make recordings`."""

from __future__ import annotations

import json
import lzma
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from asbru.core.errors import UpstreamError
from asbru.core.reply import Ping, ReplyEnd, StreamEvent, StreamFault, UsageReport
from asbru.core.traits import PLAIN
from asbru.dialects.openai_chat import DIALECT

ROOT = Path(__file__).parents[3]
FILE = Path(os.environ.get("ASBRU_RECORDINGS", ROOT.parent / "shared" / "recordings")) / "provider-traffic.jsonl.xz"
TAIL_BYTES = 4096

pytestmark = pytest.mark.recordings


def rows() -> Iterator[dict[str, Any]]:
    """The wire rows of the dialect. A body without a model (Cohere's, a broken recording) is not of it."""
    if not FILE.exists():
        pytest.skip(f"no recordings at {FILE}; set ASBRU_RECORDINGS to their folder")
    with lzma.open(FILE, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["api"] == "chat" and row["level"] == "wire" and "chat/completions" in row["url"]:
                yield row


def as_bytes(body: Any) -> bytes:
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def wire_usage(body: Any) -> tuple[int, int] | None:
    usage = body.get("usage") or (body.get("x_groq") or {}).get("usage")
    return (usage["prompt_tokens"], usage["completion_tokens"]) if usage else None


def is_stream(row: dict[str, Any]) -> bool:
    return row["status"] == 200 and row["stream"] and "data: " in str(row["response_body"])


def test_every_request_survives_the_trip() -> None:
    """Every recorded request is read, written without a loss, and read again as the same request."""
    count = 0
    for row in rows():
        body = as_bytes(row["request_body"])
        if not isinstance(msgspec.json.decode(body).get("model"), str):
            continue
        request = DIALECT.chat.read_request(body)
        head = DIALECT.operations[0].read_head(body, {}, b"")
        assert (head.model, head.stream) == (request.model, request.stream)
        written = DIALECT.chat.write_request(request, request.model, PLAIN)
        assert [note for note in written.notes if note.kind != "added"] == [], row["id"]
        asked = msgspec.structs.replace(request, include_usage=request.include_usage or request.stream)
        assert DIALECT.chat.read_request(written.body) == asked, row["id"]
        count += 1
    if not count:
        pytest.skip("the recordings hold none")


def test_every_answer_is_read_with_its_usage() -> None:
    """Every recorded answer is read, its usage is the provider's, and tail and whole agree on it."""
    count = 0
    for row in rows():
        body = as_bytes(row["response_body"])
        if row["status"] != 200:
            error = DIALECT.errors.read(row["status"], body)
            assert (error.status, bool(error.message)) == (row["status"], True)
            assert not error.message.startswith("the provider answered"), row["id"]
            continue
        if is_stream(row):
            continue
        try:
            reply = DIALECT.chat.read_reply(body)
        except UpstreamError as error:
            assert error.kind == "fault"  # Azure reports a filter in a 200
            continue
        usage = reply.usage
        totals = None if usage is None else (usage.input_total, usage.output_total)
        assert totals == wire_usage(json.loads(body)), row["id"]
        assert DIALECT.passing.usage_of(body) == usage, row["id"]
        again = DIALECT.chat.read_reply(DIALECT.chat.write_reply(reply).body)
        assert unworded(again) == unworded(reply), row["id"]
        count += 1
    if not count:
        pytest.skip("the recordings hold none")


def unworded(reply: Any) -> Any:
    """A reply without the provider's own words for stopping, which are written as OpenAI's."""
    choices = tuple(msgspec.structs.replace(choice, raw_stop=None) for choice in reply.choices)
    return msgspec.structs.replace(reply, choices=choices)


def read(*chunks: bytes) -> list[StreamEvent]:
    reader = DIALECT.chat.stream_reader()
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


def cuts(data: bytes) -> list[int]:
    """Places near event borders and at random; `make recordings` tries every byte of small streams."""
    random = Random(len(data))
    borders = [at for at in range(len(data)) if data.startswith(b"\n\n", at)]
    near = [at + step for at in random.sample(borders, min(len(borders), 4)) for step in range(-2, 3)]
    return near + [random.randrange(len(data)) for _ in range(8)]


def test_every_stream_is_read_with_its_usage_from_any_cut() -> None:
    """Every recorded stream ends as it should, tells the provider's usage, and is the same from any cut."""
    count = 0
    for row in rows():
        if not is_stream(row):
            continue
        data = as_bytes(row["response_body"])
        events = read(data)
        assert isinstance(events[-1], ReplyEnd | StreamFault), row["id"]
        payloads = [json.loads(line[6:]) for line in data.decode().split("\n") if line.startswith("data: {")]
        expected = [found for payload in payloads if (found := wire_usage(payload))]
        reports = [event.usage for event in events if isinstance(event, UsageReport)]
        totals = [(usage.input_total, usage.output_total) for usage in reports]
        assert totals[-1:] == expected[-1:], row["id"]
        end = DIALECT.passing.tail(data[-TAIL_BYTES:])
        assert end.usage == (reports[-1] if reports else None), row["id"]
        assert end.finished == isinstance(events[-1], ReplyEnd), row["id"]
        assert end.complete == (end.finished and b"data: [DONE]" in data), row["id"]
        assert DIALECT.passing.prelude(data) is not False
        for cut in cuts(data):
            assert read(data[:cut], data[cut:]) == events, (row["id"], cut)
        count += 1
    if not count:
        pytest.skip("the recordings hold none")


def test_every_stream_survives_being_written() -> None:
    """Every complete recorded stream, written for a caller and read again, gives the same events."""
    ask = DIALECT.chat.read_request(b'{"model":"m","messages":[{"role":"user","content":"q"}],"stream":true}')
    for row in rows():
        if not is_stream(row):
            continue
        events = read(as_bytes(row["response_body"]))
        if isinstance(events[-1], StreamFault):
            continue
        writer = DIALECT.chat.stream_writer(ask)
        shown = [event for event in events if not isinstance(event, UsageReport)]
        assert (shape(read(writer.write(events))), writer.notes) == (shape(shown), ()), row["id"]


def shape(events: list[StreamEvent]) -> list[Any]:
    """Events with the members a writer numbers or words anew left out."""
    kept = [event for event in events if not isinstance(event, Ping)]
    plain = [json.loads(msgspec.json.encode(event)) | {"kind": type(event).__name__} for event in kept]
    for event in plain:
        event.pop("raw_stop", None)
        extra = (event.get("part") or {}).get("extra")
        if extra:
            extra.pop("index", None)
    return plain
