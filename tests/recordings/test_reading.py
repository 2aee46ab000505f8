"""The harness finds what it must find: planted defects in made-up rows, no recorded data."""

from __future__ import annotations

import dataclasses
import json
import lzma
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.recordings import reading
from tests.recordings.caller import UpstreamResponse
from tests.recordings.corpus import ANTHROPIC, FILE, OPENAI, Row, dialect_of, load, main_feature, why_not
from tests.recordings.lost import facts, lost
from tests.recordings.replay import CutJudge, due_status, judge_whole


def row(answer: bytes, dialect: str = OPENAI, shape: str = "stream", **request: object) -> Row:
    """A made-up row."""
    return Row(
        id="r1",
        provider="p",
        dialect=dialect,
        feature="text",
        shape=shape,
        status=200,
        content_type="text/event-stream",
        answer=answer,
        exact=True,
        request={"model": "m", "messages": [], **request},
        request_text="",
    )


def chunk(**members: object) -> bytes:
    """One chunk of an OpenAI stream."""
    return b"data: " + json.dumps(members).encode() + b"\n\n"


HELLO = chunk(choices=[{"index": 0, "delta": {"content": "hello"}}])
FINISH = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
USAGE = chunk(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
DONE = b"data: [DONE]\n\n"
FAULT = chunk(error={"message": "cut"})


def test_usage_chunk_is_withheld_only_unasked() -> None:
    """The usage chunk is expected by callers who asked for it, and by nobody else."""
    stream = HELLO + USAGE + DONE
    assert reading.expected_stream(row(stream)) == HELLO + DONE
    assert reading.expected_stream(row(stream, stream_options={"include_usage": True})) == stream


def test_usage_differences_are_named() -> None:
    """A wrong bucket is named; contradictory provider numbers are not held against us."""
    told = reading.tokens(row(USAGE))
    assert told is not None
    counted = SimpleNamespace(
        **dict.fromkeys(("input", "cache_read", "cache_write_5m", "cache_write_1h"), 0),
        **dict.fromkeys(("output", "reasoning", "audio_input", "audio_output"), 0),
        input_total=7,
        output_total=4,
    )
    assert reading.differences(told, counted) == ["output: provider 3, asbru 4"]
    odd = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}}
    told = reading.tokens(row(json.dumps({"usage": odd}).encode(), shape="json"))
    assert told is not None
    assert told.cache_read is None


def test_anthropic_usage_is_merged_over_the_stream() -> None:
    """The start tells the input, the delta the output; what the delta repeats wins."""
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1}}}
    delta = {"type": "message_delta", "usage": {"output_tokens": 9}}
    data = b"".join(b"event: x\ndata: " + json.dumps(d).encode() + b"\n\n" for d in (start, delta))
    told = reading.tokens(row(data, dialect=ANTHROPIC))
    assert told is not None
    assert (told.input_total, told.output_total) == (5, 9)


def test_cut_judge_accepts_only_whole_events_and_an_error() -> None:
    """A clean end, half an event, a missing event and a sign of success are all found."""
    stream = HELLO + FINISH + USAGE + DONE
    judge = CutJudge(row(stream))
    cut = len(HELLO) + 3
    good = UpstreamResponse(status=200, body=HELLO + FAULT, complete=True)
    assert judge.judge(cut, good) == ""
    for body in (HELLO, HELLO + FINISH[:3] + FAULT, FAULT, HELLO + FAULT + DONE, HELLO + DONE):
        assert judge.judge(cut, UpstreamResponse(status=200, body=body, complete=True))
    assert judge.judge(cut, UpstreamResponse(status=200, body=HELLO + FAULT, complete=False))
    assert judge.judge(cut, UpstreamResponse(status=502, body=b'{"error":{"message":"x"}}', complete=True))
    early = UpstreamResponse(status=502, body=b'{"error":{"message":"x"}}', complete=True)
    assert judge.judge(3, early) == ""
    assert judge.judge(len(stream), UpstreamResponse(status=200, body=HELLO + FINISH + DONE, complete=True)) == ""


def test_whole_judge_finds_a_changed_byte() -> None:
    """One byte off is a failure."""
    stream = HELLO + FINISH + DONE
    assert judge_whole(row(stream), UpstreamResponse(status=200, body=stream, complete=True)) == []
    assert judge_whole(row(stream), UpstreamResponse(status=200, body=stream[:-1], complete=True))
    assert judge_whole(row(stream), UpstreamResponse(status=500, body=stream, complete=True))


def test_corpus_selects_by_wire_format() -> None:
    """A provider's own chat format is excluded with a reason; OpenAI's shape anywhere is not."""
    raw = {
        "api": "chat",
        "url": "https://x.test/v1/chat",
        "provider": "p",
        "truncated": False,
        "response_body": {"text": "hi"},
        "body_enc": "json",
        "status": 200,
        "features": ["tool_call", "parallel_tools"],
    }
    assert dialect_of(raw) == OPENAI
    assert "its own format" in (why_not(raw, OPENAI) or "")
    assert why_not({**raw, "response_body": {"choices": []}}, OPENAI) is None
    assert main_feature(raw, "json") == "parallel_tools"
    assert main_feature(raw, "error") == "error"


def test_usage_of_every_kind_is_told_apart() -> None:
    """Cache writes of an hour counted as those of five minutes, and audio not split off, are named."""
    hour = {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 8}
    hour["cache_creation"] = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 8}
    told = reading.tokens(row(json.dumps({"usage": hour}).encode(), dialect=ANTHROPIC, shape="json"))
    assert told is not None
    counted = counts(input=1, cache_write_5m=8, output=2)
    assert reading.differences(told, counted) == ["cache_write_1h: provider 8, asbru 0"]
    audio = {"prompt_tokens": 9, "completion_tokens": 6, "prompt_tokens_details": {"audio_tokens": 5}}
    audio["completion_tokens_details"] = {"audio_tokens": 4}
    told = reading.tokens(row(json.dumps({"usage": audio}).encode(), shape="json"))
    assert told is not None
    wrong = ["audio_input: provider 5, asbru 0", "audio_output: provider 4, asbru 0"]
    assert reading.differences(told, counts(input=9, output=6)) == wrong
    assert reading.differences(told, counts(input=4, audio_input=5, output=2, audio_output=4)) == []


def counts(**buckets: int) -> SimpleNamespace:
    """Counts with their totals; the buckets that are not given are empty."""
    inputs = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
    outputs = ("output", "reasoning", "audio_output")
    values = dict.fromkeys((*inputs, *outputs), 0) | buckets
    sums = {"input_total": sum(values[n] for n in inputs), "output_total": sum(values[n] for n in outputs)}
    return SimpleNamespace(**values, **sums)


def test_usage_leaked_or_withheld_is_found() -> None:
    """A usage chunk that nobody asked for must not come through; usage beside a choice must, unasked as it is."""
    unasked = row(HELLO + FINISH + USAGE + DONE)
    assert judge_whole(unasked, answered(HELLO + FINISH + DONE)) == []
    assert judge_whole(unasked, answered(HELLO + FINISH + USAGE + DONE))
    last = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage={"prompt_tokens": 7})
    beside = row(HELLO + last + DONE)
    assert judge_whole(beside, answered(HELLO + last + DONE)) == []
    assert judge_whole(beside, answered(HELLO + DONE))


def answered(body: bytes) -> UpstreamResponse:
    """A whole answer."""
    return UpstreamResponse(status=200, body=body, complete=True)


def test_a_page_in_place_of_an_answer_is_read_as_nothing() -> None:
    """An answer that is no JSON tells no usage and no error; it does not stop the run."""
    page = row(b'<html>{"error"', shape="json")
    assert reading.tokens(page) is None
    assert not reading.is_error_in_200(page)
    assert due_status(page) == 200


def test_errors_of_no_dialect_come_in_the_callers() -> None:
    """A provider's error in a form of its own is due in the caller's dialect, with its status."""
    page = dataclasses.replace(row(b"<html>busy", shape="error"), status=503)
    good = UpstreamResponse(status=503, body=b'{"error":{"message":"busy"}}', complete=True)
    assert judge_whole(page, good) == []
    assert judge_whole(page, UpstreamResponse(status=503, body=b"<html>busy", complete=True))


ANSWER = {"id": "c", "model": "m-1", "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}}]}
LOGPROBS = {"content": [{"token": "a", "logprob": -0.1}]}


def test_facts_that_get_lost_are_named() -> None:
    """A model's name, logprobs and a signature that are gone, or other, are named; a note excuses them."""
    told = facts(
        json.dumps(ANSWER | {"choices": [ANSWER["choices"][0] | {"logprobs": LOGPROBS}]}).encode(),
        OPENAI,
        stream=False,
    )
    assert lost("here", told, told, "") == []
    bare = facts(json.dumps(ANSWER | {"model": "m-2"}).encode(), OPENAI, stream=False)
    assert [reason.partition(" ")[2].split()[0] for reason in lost("here", told, bare, "")] == ["model", "logprobs"]
    assert lost("here", told, bare | {"model": "m-1"}, "dropped logprobs") == []
    start = {"type": "message_start", "message": {"model": "claude", "content": []}}
    pieces = [
        {"type": "content_block_delta", "delta": {"type": "signature_delta", "signature": part}} for part in "ab"
    ]
    stream = b"".join(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n" for event in (start, *pieces))
    assert facts(stream, ANTHROPIC, stream=True) == {"model": "claude", "signature": "ab"}
    detail = {"type": "reasoning.text", "signature": "ab"}
    across = {"choices": [{"message": {"reasoning_details": [detail]}}], "model": "claude"}
    assert facts(json.dumps(across).encode(), OPENAI, stream=False) == {"model": "claude", "signature": "ab"}


def test_odd_rows_are_left_out_by_reason(tmp_path: Path) -> None:
    """A row without the members of a recording is counted by its reason; one without a content type is a stream if it
    begins as one; embeddings and token counts are rows of their own."""
    wire: dict[str, Any] = {
        "level": "wire",
        "api": "chat",
        "provider": "p",
        "url": "https://a.test/v1/chat/completions",
        "truncated": False,
        "body_enc": "text",
        "status": 200,
        "request_headers": {},
        "response_headers": {},
        "request_body": {"model": "m", "messages": []},
        "features": [],
    }
    embeddings = {
        "api": "embeddings",
        "url": "https://a.test/v1/embeddings",
        "response_body": '{"usage":{"prompt_tokens":1}}',
    }
    counting = {
        "api": "count_tokens",
        "url": "https://a.test/v1/messages/count_tokens",
        "response_body": '{"input_tokens":1}',
    }
    rows = [
        {**wire, "id": "1", "response_body": (HELLO + DONE).decode()},
        {**wire, "id": "2", "response_body": "<html>"},
        {"level": "wire", "api": "chat", "url": None},
        {**wire, "id": "3", **embeddings},
        {**wire, "id": "4", **counting},
        {**wire, "id": "5", **embeddings, "response_body": '{"embeddings":[]}'},
    ]
    file = tmp_path / FILE
    with lzma.open(file, "wt") as out:
        out.write("".join(json.dumps(one) + "\n" for one in rows))
    loaded = load(file)
    assert [(one.id, one.shape, one.operation) for one in loaded.rows] == [
        ("1", "stream", "chat"),
        ("2", "json", "chat"),
        ("3", "json", "embeddings"),
        ("4", "json", "count_tokens"),
    ]
    assert sum(loaded.excluded.values()) == 2
