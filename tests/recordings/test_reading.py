"""The harness finds what it must find: planted defects in made-up rows, no recorded data."""

from __future__ import annotations

import json
from types import SimpleNamespace

from tests.recordings import reading
from tests.recordings.caller import UpstreamResponse
from tests.recordings.corpus import ANTHROPIC, OPENAI, Row, dialect_of, main_feature, why_not
from tests.recordings.replay import CutJudge, judge_whole


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
