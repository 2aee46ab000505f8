"""Usage of servers that write counts otherwise: what a call cost is known all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.usage import Usage
from asbru.dialects.openai_chat import DIALECT as CHAT
from asbru.dialects.openai_responses import DIALECT as RESPONSES

ODD: list[tuple[dict[str, Any], tuple[int, int, int] | None]] = [
    ({"prompt_tokens": 10.0, "completion_tokens": 5.0, "total_tokens": 15.0}, (10, 0, 5)),
    ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": []}, (10, 0, 5)),
    ({"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": ""}, (10, 0, 5)),
    ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4.0}}, (6, 4, 5)),
    ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": "4"}}, (10, 0, 5)),
    ({"prompt_tokens": 10.5, "completion_tokens": 5}, None),
    ({"prompt_tokens": "10", "completion_tokens": 5}, None),
    ({"prompt_tokens": {}, "completion_tokens": 5}, None),
]


def counts(usage: Usage | None) -> tuple[int, int, int] | None:
    """What was neither read from a cache nor said, what was read from one, what was said."""
    return None if usage is None else (usage.input, usage.cache_read, usage.output)


@pytest.mark.parametrize(("told", "read"), ODD)
def test_counts_of_chat(told: dict[str, Any], read: tuple[int, int, int] | None) -> None:
    """Whole and streamed, passed and translated: floats that are whole count, details that make no sense do not, and a
    total that is no number leaves the usage unknown."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    body = json.dumps({"id": "x", "model": "m", "choices": [choice], "usage": told}).encode()
    assert counts(CHAT.passing.usage_of(body)) == read
    assert counts(CHAT.chat.read_reply(body).usage) == read
    data = b"data: %b\n\ndata: [DONE]\n\n" % json.dumps({"id": "x", "choices": [], "usage": told}).encode()
    assert counts(CHAT.passing.tail(data).usage) == read


@pytest.mark.parametrize(("told", "read"), ODD)
def test_counts_of_responses(told: dict[str, Any], read: tuple[int, int, int] | None) -> None:
    """The same in the words of Responses."""
    words = {"prompt": "input", "completion": "output"}
    usage = {name.replace(old := name.partition("_")[0], words.get(old, old)): told[name] for name in told}
    response = {"id": "r", "object": "response", "status": "completed", "model": "m", "output": [], "usage": usage}
    body = json.dumps(response).encode()
    assert counts(RESPONSES.passing.usage_of(body)) == read
    assert counts(RESPONSES.chat.read_reply(body).usage) == read
