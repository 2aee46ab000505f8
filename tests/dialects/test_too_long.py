"""A prompt that is too long is told in the words that a caller's client knows, whoever refused it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from asbru.core.errors import BadRequest, TooLarge, UpstreamError
from asbru.core.reply import StreamFault
from asbru.dialects import discover
from asbru.dialects.too_long import CODE, is_too_long

DIALECTS = discover()
CLAUDE_CODE = re.compile(r"prompt is too long[^0-9]*(\d+)\s*tokens?\s*>\s*(\d+)", re.IGNORECASE)
"""By what Claude Code 2.1 learns how much is too much."""


def openai(message: str, code: str | None = None) -> dict[str, Any]:
    """An error of OpenAI's form."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": "messages", "code": code}}


REFUSALS: dict[str, tuple[str, dict[str, Any], tuple[str, str] | None]] = {
    "openai": (
        "openai_chat",
        openai(
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 10010 tokens.",
            CODE,
        ),
        ("10010", "8192"),
    ),
    "openai responses": (
        "openai_responses",
        openai("Your input exceeds the context window of this model. Please adjust your input and try again.", CODE),
        None,
    ),
    "groq": ("openai_chat", openai("Please reduce the length of the messages or completion.", CODE), None),
    "vllm": (
        "openai_chat",
        openai("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"),
        ("5000", "4096"),
    ),
    "xai": (
        "openai_chat",
        openai("This model's maximum prompt length is 131072 but the request contains 140000 tokens."),
        ("140000", "131072"),
    ),
    "gemini": (
        "gemini",
        {
            "error": {
                "code": 400,
                "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                "status": "INVALID_ARGUMENT",
            }
        },
        ("1200000", "1048576"),
    ),
    "bedrock": ("bedrock_converse", {"message": "Input is too long for requested model."}, None),
    "cohere": (
        "cohere",
        {"message": "too many tokens: total number of tokens cannot exceed 128000 - received 130000."},
        ("130000", "128000"),
    ),
    "anthropic": (
        "anthropic_messages",
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "prompt is too long: 210000 tokens > 200000 maximum",
            },
        },
        ("210000", "200000"),
    ),
}


def read(name: str) -> UpstreamError:
    """The refusal as its provider's dialect reads it."""
    dialect, body, _ = REFUSALS[name]
    return DIALECTS[dialect].errors.read(400, json.dumps(body).encode())


@pytest.mark.parametrize("name", REFUSALS)
def test_claude_code_learns_how_much_is_too_much(name: str) -> None:
    """Whole and in a stream; the provider's own words stay."""
    error, numbers = read(name), REFUSALS[name][2]
    write = DIALECTS["anthropic_messages"].errors
    for told in (write.write(error, "r"), write.write_stream(error)):
        words = json.loads(told[told.index(b"{") :])["error"]["message"]
        assert words.startswith("prompt is too long") and error.message in words
        found = CLAUDE_CODE.search(words)
        assert (found and found.groups()) == numbers


@pytest.mark.parametrize("name", REFUSALS)
def test_bedrocks_callers_read_its_words(name: str) -> None:
    """So Claude Code in its Bedrock mode compacts, too."""
    error = read(name)
    for dialect in ("bedrock_converse", "bedrock_invoke"):
        told = DIALECTS[dialect].errors.write(error, "r")
        assert json.loads(told)["message"].startswith("Input is too long for requested model.")
        assert error.message in json.loads(told)["message"]
        assert b"Input is too long for requested model." in DIALECTS[dialect].errors.write_stream(error)


@pytest.mark.parametrize("name", REFUSALS)
def test_openais_callers_read_its_code(name: str) -> None:
    """In a response and in a stream that fails. A provider's own body stays as it came."""
    error = read(name)
    chat, responses = DIALECTS["openai_chat"].errors, DIALECTS["openai_responses"].errors
    if error.dialect not in ("openai_chat", "openai_responses"):
        assert json.loads(chat.write(error, "r"))["error"]["code"] == CODE
        assert json.loads(responses.write(error, "r"))["error"]["code"] == CODE
    assert CODE.encode() in chat.write_stream(error)
    assert CODE.encode() in responses.write_stream(error)


def test_a_fault_in_a_stream_is_told_alike() -> None:
    """By the writers of streams."""
    from asbru.core.chat import ChatRequest

    fault = StreamFault(message="Your input exceeds the context window", code=CODE, type="invalid_request_error")
    told = {
        name: dialect.chat.stream_writer(ChatRequest(model="m", messages=())).write([fault])
        for name, dialect in DIALECTS.items()
        if dialect.surface.bases and dialect.operation("chat")
    }
    assert b"prompt is too long" in told["anthropic_messages"]
    assert b"Input is too long for requested model." in told["bedrock_converse"]
    assert b"Input is too long for requested model." in told["bedrock_invoke"]
    assert CODE.encode() in told["openai_chat"] and CODE.encode() in told["openai_responses"]


@pytest.mark.parametrize(
    "error",
    [
        BadRequest("prompt is too long"),
        TooLarge("the request body is larger than 9 bytes"),
        UpstreamError("Invalid 'user': string too long. Expected a string with maximum length 64", status=400),
        UpstreamError("reduce the length of the messages", status=429),
        UpstreamError("max_tokens: 90000 > 64000, which is the maximum allowed", status=400),
    ],
)
def test_other_refusals_keep_their_words(error: Any) -> None:
    """Asbru's own, limits of rate, and other things that are too long."""
    assert not is_too_long(error)
    told = DIALECTS["anthropic_messages"].errors.write(error, "r")
    assert json.loads(told)["error"]["message"] == error.message
