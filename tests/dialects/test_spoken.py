"""The words in replies of what is no chat, read and put back."""

from __future__ import annotations

import json

import msgspec
import pytest

from asbru.core.chat import TextPart
from asbru.core.errors import UpstreamError
from asbru.core.reply import ChatReply
from asbru.dialects.spoken import spoken_at

READ = spoken_at("text", "pages.*.markdown", "pages.*.tables.*.content")


def texts_of(reply: ChatReply) -> list[str]:
    """What the parts say."""
    return [part.text for part in reply.choices[0].parts if isinstance(part, TextPart)]


def shouted(reply: ChatReply) -> ChatReply:
    """The reply with each text in capitals."""
    parts = tuple(TextPart(text=text.upper()) for text in texts_of(reply))
    choice = msgspec.structs.replace(reply.choices[0], parts=parts)
    return msgspec.structs.replace(reply, choices=(choice,))


def test_texts_are_found_in_order_and_put_back() -> None:
    """Those at the paths alone; what tells them as they were is emptied, also within."""
    body = {
        "text": "a",
        "language": "english",
        "words": [{"word": "a"}],
        "segments": [{"tokens": [1, 2], "id": 0}],
        "logprobs": {"a": 1},
        "pages": [{"markdown": "b", "tables": [{"content": "c"}, {"content": 7}]}, {"markdown": ""}, None],
    }
    reply, write = READ(json.dumps(body).encode(), b"application/json")
    assert texts_of(reply) == ["a", "b", "c"]
    assert json.loads(write(shouted(reply))) == {
        "text": "A",
        "language": "english",
        "words": [],
        "segments": [{"tokens": [], "id": 0}],
        "logprobs": None,
        "pages": [{"markdown": "B", "tables": [{"content": "C"}, {"content": 7}]}, {"markdown": ""}, None],
    }


@pytest.mark.parametrize("content_type", [b"text/plain; charset=utf-8", b"application/x-subrip", b""])
def test_a_body_that_is_no_json_is_one_text(content_type: bytes) -> None:
    """Plain text and subtitles."""
    reply, write = READ("1\n00:00 --> 00:01\nüber\n".encode(), content_type)
    assert texts_of(reply) == ["1\n00:00 --> 00:01\nüber\n"]
    assert write(shouted(reply)).decode() == "1\n00:00 --> 00:01\nÜBER\n"


@pytest.mark.parametrize("body", [b"{", b'{"text": "\xff"}', b"{" + b'"a":{' * 5000])
def test_json_that_cannot_be_read_is_the_providers_fault(body: bytes) -> None:
    """Never taken for a text that was looked at."""
    with pytest.raises(UpstreamError):
        READ(body, b"application/json")
