"""Reading requests: complaints with a path, and the few choices the golden cases do not show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.chat import (
    ForeignPart,
    Message,
    Raw,
    Reasoning,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.core.errors import BadRequest
from asbru.core.traits import PLAIN
from asbru.dialects.openai_chat.request import read_request
from asbru.dialects.openai_chat.request_body import write_request


def request_of(*messages: Any, **members: Any) -> bytes:
    return json.dumps({"model": "m", "messages": messages or [{"role": "user", "content": "q"}]} | members).encode()


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


BAD = {
    "messages: expected an array of at least one message, got nothing": b'{"model":"m"}',
    "messages: expected an array of at least one message, got an empty array": b'{"model":"m","messages":[]}',
    "messages: expected an array, got a string": request_of(messages="hi"),
    "messages[0]: expected an object, got a string": request_of("hi"),
    "messages[0].role: expected a string, got nothing": request_of({"content": "x"}),
    'messages[0].role: expected one of system, developer, user, assistant, tool, function, got "boss"': (
        request_of({"role": "boss", "content": "x"})
    ),
    "messages[0].content: expected a string or an array of parts, got nothing": request_of({"role": "user"}),
    "messages[0].content: expected a string or an array of parts, got an object": (
        request_of({"role": "user", "content": {}})
    ),
    "messages[0].content[0].type: expected a string, got the number 5": request_of(user({"type": 5})),
    "messages[0].content[1].text: expected a string, got nothing": (
        request_of(user({"type": "text", "text": "a"}, {"type": "text"}))
    ),
    "messages[0].content[0].image_url.url: expected a string, got nothing": (
        request_of(user({"type": "image_url", "image_url": {}}))
    ),
    "messages[0].content[0].file: expected exactly one of file_data and file_id": (
        request_of(user({"type": "file", "file": {}}))
    ),
    "messages[0].tool_call_id: expected a string, got nothing": request_of({"role": "tool", "content": "x"}),
    "messages[0].tool_calls[0].function: expected an object, got nothing": (
        request_of({"role": "assistant", "tool_calls": [{"id": "a", "type": "function"}]})
    ),
    "tools[0].function.name: expected a string, got nothing": request_of(tools=[{"function": {}}]),
    "tools[0].function.parameters: expected a JSON Schema object, got an array": (
        request_of(tools=[{"function": {"name": "f", "parameters": []}}])
    ),
    "stop[1]: expected a string, got the number 5": request_of(stop=["a", 5]),
    "temperature: expected a number, got a string": request_of(temperature="hot"),
    "n: expected an integer, got the number 1.5": request_of(n=1.5),
    "response_format.json_schema: expected an object, got nothing": (
        request_of(response_format={"type": "json_schema"})
    ),
    "tool_choice.function.name: expected a string, got nothing": (
        request_of(tool_choice={"type": "function", "function": {}})
    ),
    "stream_options: expected an object, got true": request_of(stream_options=True),
}


@pytest.mark.parametrize("words", BAD)
def test_a_complaint_names_the_path(words: str) -> None:
    """A value of the wrong kind is refused with its path, what was expected and what came."""
    with pytest.raises(BadRequest) as caught:
        read_request(BAD[words])
    assert caught.value.message == words
    assert caught.value.param == words.partition(":")[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    "role", "content", "type", "text", "image_url", "file", "input_audio", "tool_calls", "function", "name",
    "arguments", "tool_call_id", "reasoning_details", "refusal", "audio", "function_call", "id",
     "cache_control",
)  # fmt: skip
TOPS = (
    "messages", "tools", "functions", "tool_choice", "response_format", "reasoning", "thinking", "stop",
    "stream_options", "max_tokens", "logit_bias", "user",
)  # fmt: skip
SHAPED = st.recursive(
    JSON | st.sampled_from(("user", "assistant", "tool", "text", "image_url", "function", "custom")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(TOPS), SHAPED, max_size=5))
def test_no_json_makes_the_reader_fail_otherwise(members: dict[str, Any]) -> None:
    """Arbitrary JSON in known places gives a request or a BadRequest, never another exception."""
    try:
        read_request(json.dumps({"model": "m", **members}).encode())
    except BadRequest as error:
        assert error.message


def test_results_without_ids_answer_in_order() -> None:
    """A tool message without an id (Writer) answers the first call that is still open; with no call it is refused."""
    function = {"name": "f", "arguments": "{}"}
    calls = [{"function": function}, {"id": "b", "function": function}, {"function": function}]
    body = request_of(
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "tool", "content": "1"},
        {"role": "tool", "content": "3"},
    )
    _, assistant, results = read_request(body).messages
    first, second, third = (part.id for part in assistant.parts if isinstance(part, ToolCallPart))
    answered = [part.call_id for part in results.parts if isinstance(part, ToolResultPart)]
    assert answered == [second, first, third] and second == "b"
    with pytest.raises(BadRequest, match=r"messages\[0\]\.tool_call_id"):
        read_request(request_of({"role": "tool", "content": "1"}))


def test_results_of_parallel_calls_become_one_message() -> None:
    """Consecutive tool messages are one user message of results; what follows is a message of its own."""
    body = request_of(
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": None, "name": "f"},
        {"role": "user", "content": "next"},
    )
    first = ToolResultPart(call_id="a", parts=(TextPart(text="1"),))
    second = ToolResultPart(call_id="b", parts=(), plain=False, name="f")
    assert read_request(body).messages == (
        Message(role="user", parts=(first, second)),
        Message(role="user", parts=(TextPart(text="next"),), plain=True),
    )


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"reasoning_effort": "low"}, Reasoning(effort="low")),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, Reasoning(mode="enabled", budget_tokens=9)),
        ({"thinking": {"type": "auto"}}, Reasoning(extra={"thinking": Raw(b'{"type":"auto"}')})),
        ({"reasoning": {"enabled": False}}, Reasoning(mode="disabled", extra={"reasoning": Raw(b"{}")})),
        ({"reasoning": None}, None),
    ],
)
def test_every_spelling_of_how_much_to_think(members: dict[str, Any], expected: Reasoning | None) -> None:
    """OpenAI's, OpenRouter's and DeepSeek's ways to ask for thinking mean the same."""
    assert read_request(request_of(**members)).reasoning == expected


def test_the_modern_token_limit_wins_and_the_other_rides_along() -> None:
    """With both limits given the modern one holds and the legacy one is kept as an unknown member."""
    request = read_request(request_of(max_tokens=5, max_completion_tokens=7))
    assert (request.max_tokens, request.extra) == (7, {"max_tokens": Raw(b"5")})


def test_a_vendors_response_format_rides_along() -> None:
    """A response format that only the provider knows is carried as it is."""
    request = read_request(request_of(response_format={"type": "grammar", "grammar": "g"}))
    assert request.response_format is None
    assert "response_format" in request.extra


def test_null_is_absent() -> None:
    """Members that are null count as not given: they are neither read nor carried along."""
    names = ("temperature", "tools", "stop", "stream", "tool_choice", "response_format", "max_completion_tokens")
    request = read_request(request_of(**dict.fromkeys(names)))
    assert (request.temperature, request.tools, request.stop, request.stream) == (None, None, None, False)
    assert (request.tool_choice, request.response_format, request.extra) == (None, None, {})


def test_forms_of_the_family_are_read() -> None:
    """Mistral's audio as a text, Together's number of logprobs and its schema beside the type are no mistakes."""
    audio = {"type": "input_audio", "input_audio": "aGk="}
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": [audio]}],
        "logprobs": 1,
        "response_format": {"type": "json_schema", "schema": {"type": "object"}},
    }
    request = read_request(json.dumps(body).encode())
    assert request.messages[0].parts == (
        ForeignPart(dialect="openai_chat", kind="input_audio", raw=Raw(json.dumps(audio).encode())),
    )
    assert (request.logprobs, request.extra) == (None, {"logprobs": Raw(b"1")})
    assert request.response_format == ResponseFormat(kind="json_schema", schema=Raw(b'{"type": "object"}'))
    written = json.loads(write_request(request, "m", PLAIN).body)
    assert (written["messages"], written["logprobs"]) == (body["messages"], 1)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"reasoning": {}}, None),
        ({"reasoning": {"effort": None}}, None),
        ({"reasoning": {"enabled": True}}, Reasoning(mode="enabled", extra={"reasoning": Raw(b"{}")})),
        ({"reasoning": {"exclude": True}}, Reasoning(extra={"reasoning": Raw(b'{"exclude":true}')})),
    ],
)
def test_an_empty_wish_asks_for_nothing(given: dict[str, Any], read: Reasoning | None) -> None:
    """So no other dialect has to be told of it."""
    assert read_request(request_of(**given)).reasoning == read
