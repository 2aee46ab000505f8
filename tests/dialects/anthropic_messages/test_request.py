"""Reading Messages requests: the head, the rewrite, and what is said about bad bodies."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from asbru.core.chat import ForeignPart, ForeignTool, TextPart, ThinkingPart, ToolResultPart
from asbru.core.errors import BadRequest
from asbru.core.traits import PLAIN
from asbru.dialects.anthropic_messages import DIALECT
from asbru.dialects.contract import RequestHead

BASE: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def body(**fields: Any) -> bytes:
    """A request with some fields set."""
    return json.dumps({**BASE, **fields}).encode()


def user(*blocks: Any) -> list[Any]:
    """One user message of these blocks."""
    return [{"role": "user", "content": list(blocks)}]


def facts(head: RequestHead) -> tuple[str, bool, bool, int | None]:
    """What a head says, without the members it was read from."""
    return head.model, head.stream, head.wants_usage, head.max_tokens


def test_head_is_read() -> None:
    """The head tells model, stream and max_tokens, and that usage always comes."""
    assert facts(DIALECT.operations[0].read_head(body(stream=True), {}, b"")) == ("m", True, True, 9)
    assert facts(DIALECT.operations[0].read_head(b'{"model":"m","stream":null}', {}, b"")) == ("m", False, True, None)


BAD_HEADS = {
    b"": "the body: expected a JSON object, got malformed JSON (",
    b"{": "the body: expected a JSON object, got malformed JSON (",
    b"[]": "the body: expected a JSON object, got an array",
    b'"x"': "the body: expected a JSON object, got a string",
    b"{}": "model: expected a string, got nothing",
    b'{"model":""}': "model: expected the name of a model",
    b'{"model":7}': "model: expected a string, got the number 7",
    b'{"model":null}': "model: expected a string, got nothing",
    b'{"model":["m"]}': "model: expected a string, got an array",
    b'{"model":"m","stream":"yes"}': "stream: expected a boolean, got a string",
    b'{"model":"m","max_tokens":1.5}': "max_tokens: expected an integer, got the number 1.5",
    b'{"model":"m","x":' + b"[" * 100_000: "the body: expected JSON nested at most",
    b'{"model":"m","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}": "the body: expected JSON nested at most",
    b'{"x":' * 100_000: "the body: expected JSON nested at most",
    b'{"model":"\xff"}': "the body: expected UTF-8, got an invalid byte at position 10",
    b'{"model":"m","messages":"\xff"}': "the body: expected UTF-8, got an invalid byte at position 25",
    b'{"model":"m"} tail': "the body: expected a JSON object, got malformed JSON (",
    b"\xef\xbb\xbf{}": "the body: expected",
    b"\x00": "the body: expected",
}


@pytest.mark.parametrize("data", BAD_HEADS, ids=lambda data: repr(data[:24]))
def test_bad_head_is_refused_in_words(data: bytes) -> None:
    """Whatever is wrong with a body is a BadRequest that says what was expected and what came."""
    with pytest.raises(BadRequest) as caught:
        DIALECT.operations[0].read_head(data, {}, b"")
    assert caught.value.message.startswith(BAD_HEADS[data])
    with pytest.raises(BadRequest):
        DIALECT.chat.read_request(data)


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"messages": None}, "messages: expected an array, got nothing"),
    ({"messages": {}}, "messages: expected an array, got an object"),
    ({"messages": ["x"]}, "messages[0]: expected an object, got a string"),
    ({"messages": [{"content": "x"}]}, "messages[0].role: expected a string, got nothing"),
    ({"messages": [{"role": "robot", "content": "x"}]}, 'messages[0].role: expected "user", "assistant" or "system"'),
    ({"messages": [{"role": "user"}]}, "messages[0].content: expected a string or an array of blocks, got nothing"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content: expected a string or an array"),
    ({"messages": user("x")}, "messages[0].content[0]: expected an object, got a string"),
    ({"messages": user({})}, "messages[0].content[0].type: expected a string, got nothing"),
    ({"messages": user({"type": "text"})}, "messages[0].content[0].text: expected a string, got nothing"),
    (
        {"messages": user({"type": "text", "text": 1})},
        "messages[0].content[0].text: expected a string, got the number 1",
    ),
    (
        {"messages": user({"type": "text", "text": "a", "cache_control": "ephemeral"})},
        "messages[0].content[0].cache_control: expected an object, got a string",
    ),
    ({"messages": user({"type": "image"})}, "messages[0].content[0].source: expected an object, got nothing"),
    (
        {"messages": user({"type": "image", "source": {"type": "base64"}})},
        "messages[0].content[0].source.data: expected a string, got nothing",
    ),
    (
        {"messages": user({"type": "document", "source": "x"})},
        "messages[0].content[0].source: expected an object, got a string",
    ),
    (
        {"messages": user({"type": "tool_use", "id": "a", "name": "b", "input": "{}"})},
        "messages[0].content[0].input: expected an object, got a string",
    ),
    (
        {"messages": user({"type": "tool_result", "content": "x"})},
        "messages[0].content[0].tool_use_id: expected a string, got nothing",
    ),
    (
        {"messages": user({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text"}]})},
        "messages[0].content[0].content[0].text: expected a string",
    ),
    ({"system": 5}, "system: expected a string or an array of blocks, got a number"),
    ({"tools": {}}, "tools: expected an array, got an object"),
    ({"tools": [{}]}, "tools[0].name: expected a string, got nothing"),
    ({"tool_choice": "auto"}, "tool_choice: expected an object, got a string"),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.name: expected a string, got nothing"),
    ({"thinking": {}}, "thinking.type: expected a string, got nothing"),
    ({"thinking": {"type": "enabled", "budget_tokens": "x"}}, "thinking.budget_tokens: expected an integer"),
    ({"output_config": {"effort": 3}}, "output_config.effort: expected a string, got the number 3"),
    ({"metadata": []}, "metadata: expected an object, got an array"),
    ({"stop_sequences": "x"}, "stop_sequences: expected an array of strings, got a string"),
    ({"stop_sequences": [1]}, "stop_sequences: expected an array of strings, got an array with other things"),
    ({"temperature": "hot"}, "temperature: expected a number, got a string"),
]


@pytest.mark.parametrize(("fields", "message"), BAD_FIELDS, ids=lambda value: str(value)[:50])
def test_bad_field_is_named(fields: dict[str, Any], message: str) -> None:
    """A wrong type is refused with its path, what was expected and what came."""
    with pytest.raises(BadRequest) as caught:
        DIALECT.chat.read_request(body(**fields))
    assert caught.value.message.startswith(message)
    assert caught.value.status == 400


def test_rewrite_says_when_nothing_changes() -> None:
    """The model it already has, and nothing to strip: the body goes on as it came."""
    data = b'{ "model" : "m" , "x": [1,  2] }'
    assert (
        DIALECT.passing.rewrite(DIALECT.operations[0].read_head(data, {}, b""), "m", True, frozenset({"store"}))
        is None
    )


def test_rewrite_touches_only_model_and_stripped_fields() -> None:
    """Every other member keeps its bytes; text that looks like a model member is not one."""
    data = b'{"messages":[{"role":"user","content":"\\"model\\":\\"m\\""}],"model":"m","store":1,"n":1.50}'
    head = DIALECT.operations[0].read_head(data, {}, b"")
    members = DIALECT.passing.rewrite(head, "z\u00e9", True, frozenset({"store"}))
    assert msgspec.json.encode(members) == (
        '{"messages":[{"role":"user","content":"\\"model\\":\\"m\\""}],"model":"z\u00e9","n":1.50}'.encode()
    )
    assert head == DIALECT.operations[0].read_head(data, {}, b"")


def test_known_block_in_an_unknown_shape_rides_along() -> None:
    """An image from a source nobody knows yet is carried whole, not refused and not cut."""
    image = {"type": "image", "source": {"type": "s3", "uri": "s3://b/k"}}
    part = DIALECT.chat.read_request(body(messages=user(image))).messages[0].parts[0]
    assert isinstance(part, ForeignPart)
    assert (part.kind, json.loads(bytes(part.raw))) == ("image", image)


def test_server_tools_are_foreign() -> None:
    """A tool with a type is the provider's own."""
    request = DIALECT.chat.read_request(
        body(tools=[{"type": "computer_20250124", "name": "c", "display_width_px": 9}])
    )
    assert request.tools is not None
    assert isinstance(request.tools[0], ForeignTool)
    assert request.tools[0].kind == "computer_20250124"


def test_unknown_thinking_type_survives() -> None:
    """A thinking mode from the future is written back as it came."""
    request = DIALECT.chat.read_request(body(thinking={"type": "between_tools", "depth": 2}))
    written = json.loads(DIALECT.chat.write_request(request, "m", PLAIN).body)
    assert written["thinking"] == {"type": "between_tools", "depth": 2}


def test_older_output_format_is_understood() -> None:
    """`output_format` of the beta becomes `output_config.format`; an unknown format keeps its place."""
    schema = {"type": "json_schema", "schema": {"type": "object"}}
    request = DIALECT.chat.read_request(body(output_format=schema))
    written = json.loads(DIALECT.chat.write_request(request, "m", PLAIN).body)
    assert written["output_config"] == {"format": schema}
    future = {"format": {"type": "xml_schema", "schema": "<x/>"}}
    request = DIALECT.chat.read_request(body(output_config=future))
    assert json.loads(DIALECT.chat.write_request(request, "m", PLAIN).body)["output_config"] == future


def test_signature_of_another_dialect_comes_back_with_its_name() -> None:
    """A carrier is opened: the part names the dialect whose provider signed it."""
    block = {"type": "thinking", "thinking": "t", "signature": "asbru:gemini:QUJD:x"}
    part = DIALECT.chat.read_request(body(messages=[{"role": "assistant", "content": [block]}])).messages[0].parts[0]
    assert part == ThinkingPart(text="t", signature="QUJD:x", dialect="gemini")


def test_tool_result_forms_are_told_apart() -> None:
    """No content (or null), an empty string and an empty list are three things."""
    blocks = [
        {"type": "tool_result", "tool_use_id": "a", **content}
        for content in ({}, {"content": ""}, {"content": []}, {"content": None, "new": 1})
    ]
    parts = DIALECT.chat.read_request(body(messages=user(*blocks))).messages[0].parts
    shapes = [(part.plain, part.parts, list(part.extra)) for part in parts if isinstance(part, ToolResultPart)]
    assert shapes == [(True, (), []), (True, (TextPart(text=""),), []), (False, (), []), (True, (), ["new"])]


def test_the_billing_header_is_for_this_dialect_only() -> None:
    """Claude Code's first system block changes with every request: it is written back here and is no text elsewhere."""
    block = {"type": "text", "text": "x-anthropic-billing-header: cch=1;"}
    system = [block, {"type": "text", "text": "You are", "cache_control": {"type": "ephemeral"}}]
    wire = {"model": "m", "max_tokens": 9, "system": system, "messages": [{"role": "user", "content": "hi"}]}
    request = DIALECT.chat.read_request(json.dumps(wire).encode())
    assert [type(part) for part in request.messages[0].parts] == [ForeignPart, TextPart]
    written = DIALECT.chat.write_request(request, "m", PLAIN)
    assert (json.loads(written.body), written.notes) == (wire, ())
