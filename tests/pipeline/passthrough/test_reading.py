"""Usage read from what is kept of a reply: small, large, streamed."""

from __future__ import annotations

import msgspec
import pytest

from asbru.dialects import Dialect, RequestHead, discover
from asbru.pipeline.passthrough.reading import KEPT_BYTES_MAX, Kept
from asbru.wire.eventstream import Header, write_message

OPENAI = discover()["openai_chat"]
GEMINI = discover()["gemini"]
BEDROCK = discover()["bedrock_converse"]
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def _read(data: bytes, piece: int, *, stream: bool, dialect: Dialect = OPENAI) -> tuple[int, int] | None:
    kept = Kept(stream=stream)
    for at in range(0, len(data), piece):
        kept.feed(data[at : at + piece])
    operation = dialect.operation("chat")
    assert operation is not None and kept.held <= 3 * KEPT_BYTES_MAX + piece
    usage = kept.usage(dialect, operation, RequestHead("m", stream, True, None))
    return None if usage is None else (usage.input_total, usage.output_total)


@pytest.mark.parametrize("filling", [0, KEPT_BYTES_MAX - 10, 2 * KEPT_BYTES_MAX, 10 * KEPT_BYTES_MAX])
@pytest.mark.parametrize("piece", [1000, 65536, 10**7])
def test_usage_at_the_end_is_read(filling: int, piece: int) -> None:
    """Of a whole reply and of a stream, however large and however cut."""
    whole = msgspec.json.encode({"object": "chat.completion", "data": "x" * filling, "usage": USAGE})
    assert _read(whole, piece, stream=False) == (7, 3)
    events = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"x" * filling)
    events += b'data: {"choices":[],"usage":%b}\n\ndata: [DONE]\n\n' % msgspec.json.encode(USAGE)
    assert _read(events, piece, stream=True) == (7, 3)


@pytest.mark.parametrize("filling", [0, KEPT_BYTES_MAX - 10, 2 * KEPT_BYTES_MAX])
@pytest.mark.parametrize("piece", [999, 65536, 10**7])
def test_usage_of_a_stream_that_is_an_array_is_read(filling: int, piece: int) -> None:
    """Google sends one where nobody asks for events: pretty, and with its usage in the last element."""
    said = {"candidates": [{"content": {"parts": [{"text": "x" * filling}]}, "index": 0}]}
    told = {
        "candidates": [{"finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10},
    }
    array = msgspec.json.format(msgspec.json.encode([said, said, told])).replace(b"\n", b"\r\n")
    assert _read(array, piece, stream=True, dialect=GEMINI) == (7, 3)


@pytest.mark.parametrize("count", [1, 200, 2000])
@pytest.mark.parametrize("piece", [999, 65536, 10**7])
def test_usage_at_the_end_of_an_event_stream_is_read(count: int, piece: int) -> None:
    """Its events have no border: what is kept of a long one begins inside one of them."""
    events = [
        _message("messageStart", {"role": "assistant"}),
        *[_message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x" * 900}})] * count,
        _message("messageStop", {"stopReason": "end_turn"}),
        _message("metadata", {"usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}}),
    ]
    assert _read(b"".join(events), piece, stream=True, dialect=BEDROCK) == (7, 3)


def _message(kind: str, body: object) -> bytes:
    headers = [Header(":event-type", kind), Header(":message-type", "event")]
    return write_message(headers, msgspec.json.encode(body))


def test_no_usage_is_unknown() -> None:
    """A reply that tells none has none."""
    assert _read(b'{"object":"list"}', 5, stream=False) is None
    assert _read(b"data: [DONE]\n\n", 5, stream=True) is None
    assert _read(b"", 5, stream=False) is None
    assert _read(b"[1, 2]", 5, stream=True) is None
    assert _read(b'[{"candidates":[', 5, stream=True, dialect=GEMINI) is None


def test_what_is_held_is_bounded() -> None:
    """However long a reply is, and however it is cut, no more than three times the bound is held."""
    kept = Kept()
    for _ in range(1000):
        kept.feed(b"x" * 4000)
    assert kept.held <= 3 * KEPT_BYTES_MAX
