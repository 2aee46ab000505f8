"""The Gemini dialect where the suite over all dialects (tests/kits/test_dialects.py) does not look."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from asbru.core.chat import ChatRequest, Message, Raw, RedactedThinkingPart, TextPart, ThinkingPart, ToolCallPart
from asbru.core.errors import BadRequest, UpstreamError
from asbru.core.reply import ChoiceStop, ReplyEnd
from asbru.core.traits import Traits, resolve
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.assemble import assemble
from asbru.dialects.gemini import DIALECT
from asbru.dialects.openai_chat import DIALECT as CHAT
from asbru.providers import discover

CODEC = DIALECT.chat
HEAD = DIALECT.operations[0].read_head
CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}
RESULT = {"functionResponse": {"name": "f", "response": {"output": "x"}}}


def request(*contents: dict[str, Any], **members: Any) -> bytes:
    """A request's body."""
    return json.dumps({"contents": contents or [user({"text": "hi"})], **members}).encode()


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    """What a user says."""
    return {"role": "user", "parts": parts}


def model(*parts: dict[str, Any]) -> dict[str, Any]:
    """What the model says."""
    return {"role": "model", "parts": parts}


def written(asked: ChatRequest, traits: Traits | None = None) -> dict[str, Any]:
    """A request as it goes to the provider."""
    return json.loads(CODEC.write_request(asked, "m", traits or Traits()).body)


def traits_of(name: str) -> Traits:
    """What the provider's folder says of a model."""
    provider = discover()["gemini"]
    return resolve(provider.traits, provider.trait_rules, name)


# --- heads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {"generationConfig": {"maxOutputTokens": 9, "candidateCount": 2}},
        {"generation_config": {"max_output_tokens": 9, "candidate_count": 2.0}},
    ],
)
def test_limits_are_read_in_both_spellings(config: dict[str, Any]) -> None:
    """What limits are held by is what the provider acts by."""
    head = HEAD(request(**config), {"model": "m"}, b"")
    assert (head.model, head.stream, head.max_tokens, head.choices) == ("m", False, 9, 2)


@pytest.mark.parametrize(
    "body",
    [
        request(generationConfig={}, generation_config={}),
        request(generationConfig={"maxOutputTokens": 9, "max_output_tokens": 9000}),
    ],
)
def test_one_member_in_two_spellings_is_refused(body: bytes) -> None:
    """Nobody knows which of the two the provider would take."""
    with pytest.raises(BadRequest, match="given twice"):
        HEAD(body, {"model": "m"}, b"")


def test_one_member_given_twice_goes_on_once() -> None:
    """As it was judged: a second limit cannot hide behind the first."""
    body = b'{"contents":[],"generationConfig":{"maxOutputTokens":9000,"maxOutputTokens":9}}'
    head = HEAD(body, {"model": "m"}, b"")
    assert (head.max_tokens, bytes(head.members["generationConfig"])) == (9, b'{"maxOutputTokens":9}')


def test_a_model_in_the_body_does_not_count() -> None:
    """The path was judged: one in the body does not go along; those of inner requests are put right."""
    head = HEAD(request(model="models/other"), {"model": "m"}, b"")
    members = DIALECT.passing.rewrite(head, "m", False, frozenset())
    assert members is not None and "model" not in members
    batch = next(one for one in DIALECT.operations if one.surface == "batch_embed")
    inner = json.dumps({"requests": [{"model": "models/gemini/e", "content": {"parts": [{"text": "x"}]}}]}).encode()
    members = DIALECT.passing.rewrite(batch.read_head(inner, {"model": "gemini/e"}, b""), "e", False, frozenset())
    assert members is not None and json.loads(bytes(members["requests"]))[0]["model"] == "models/e"


# --- requests -------------------------------------------------------------------------------------------


def test_what_the_provider_keeps_is_not_translated() -> None:
    """A translated call never loses the content that it refers to: it is refused, naming the member."""
    with pytest.raises(BadRequest, match="cachedContent"):
        CODEC.read_request(request(cachedContent="cachedContents/x"))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (request({"role": "assistant", "parts": []}), "contents\\[0\\].role"),
        (request(user({"functionCall": {"args": {}}})), "name: expected a string"),
        (request(model({"functionCall": {"name": "f", "args": []}})), "args: expected an object"),
        (request(tools=[{"functionDeclarations": [{"name": "f", "parameters": 1}]}]), "expected a schema object"),
        (b'{"contents":[]}', "at least one content"),
    ],
)
def test_wrong_members_are_told_by_their_path(body: bytes, path: str) -> None:
    """The caller reads where and what."""
    with pytest.raises(BadRequest, match=path):
        CODEC.read_request(body)


def test_results_find_their_calls_by_name() -> None:
    """Calls without ids get ids of their place; results without ids answer them in order, name by name."""
    other = {"functionCall": {"name": "g", "args": {}}}
    answered = {"functionResponse": {"name": "g", "response": {"output": "y"}}}
    asked = CODEC.read_request(
        request(user({"text": "go"}), model(CALL, other, CALL), user(answered, RESULT, RESULT))
    )
    calls = [part.id for part in asked.messages[1].parts if isinstance(part, ToolCallPart)]
    results = [getattr(part, "call_id", "") for part in asked.messages[2].parts]
    assert (len(set(calls)), results) == (3, [calls[1], calls[0], calls[2]])
    chat = json.loads(CHAT.chat.write_request(asked, "m", Traits()).body)["messages"]
    assert [message.get("tool_call_id") for message in chat[2:]] == results


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("sunny", {"output": "sunny"}),
        ('{"a": [1]}', {"a": [1]}),
        ('{"a": 1} and more', {"output": '{"a": 1} and more'}),
        ("[1]", {"output": "[1]"}),
    ],
)
def test_results_of_other_dialects_become_objects(text: str, response: dict[str, Any]) -> None:
    """An object is what it is, any other text is the `output`; both come back as they were."""
    turn = {"role": "tool", "tool_call_id": "c", "content": text}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body = {"model": "m", "messages": [{"role": "assistant", "tool_calls": [call]}, turn]}
    sent = written(CHAT.chat.read_request(json.dumps(body).encode()))
    assert sent["contents"][1]["parts"][0]["functionResponse"]["response"] == response
    again = CODEC.read_request(json.dumps(sent).encode()).messages[1].parts[0]
    assert getattr(again, "parts", ())[0].text == text


def test_media_of_results_follow_in_a_content_of_their_own() -> None:
    """Only newer models take them in a result, and calls want nothing beside their results."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "see"}, image]}
    messages = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": messages}).encode()
    _, results, media = written(ANTHROPIC.chat.read_request(body))["contents"]
    assert [*results["parts"][0]] == ["functionResponse"] and len(results["parts"]) == 1
    assert "inlineData" in media["parts"][0]


@pytest.mark.parametrize(
    ("name", "effort", "thinking"),
    [
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", "none", None),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3-flash-preview", "none", {"thinkingLevel": "MINIMAL"}),
        ("gemini-2.0-flash", "high", None),
    ],
)
def test_efforts_become_what_the_model_takes(name: str, effort: str, thinking: dict[str, Any] | None) -> None:
    """A level, a budget or nothing, by the model."""
    asked = CHAT.chat.read_request(
        json.dumps(
            {"model": "m", "messages": [{"role": "user", "content": "x"}], "reasoning_effort": effort}
        ).encode()
    )
    assert written(asked, traits_of(name)).get("generationConfig", {}).get("thinkingConfig") == thinking


# --- signatures -----------------------------------------------------------------------------------------


def test_only_the_first_unsigned_call_of_a_turn_gets_the_stand_in() -> None:
    """Also where the caller's dialect is Gemini's own: Gemini has refused the call without one."""
    calls = [ToolCallPart(id=f"c{at}", name="f", arguments="{}") for at in range(2)]
    asked = ChatRequest(model="m", messages=(Message(role="assistant", parts=tuple(calls)),), dialect="openai_chat")
    parts = written(asked, Traits(call_signature="stand-in"))["contents"][0]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["stand-in", None]
    own = CODEC.read_request(request(model(CALL), user(RESULT)))
    assert (
        written(own, Traits(call_signature="stand-in"))["contents"][0]["parts"][0]["thoughtSignature"] == "stand-in"
    )


def test_thinking_of_another_dialect_travels_through_callers() -> None:
    """Its signature comes back as it was, also where a client keeps the pieces of a stream as parts; in base64, as
    SDKs decode it. No provider of this dialect gets it."""
    thoughts = (
        ThinkingPart(text="Hm.", signature="sig-1", dialect="anthropic_messages"),
        RedactedThinkingPart(data="opaque", dialect="anthropic_messages"),
        TextPart(text="Yes."),
    )
    message = json.loads(ANTHROPIC.chat.write_reply(_reply(thoughts)).body)
    reply = ANTHROPIC.chat.read_reply(json.dumps(message).encode())
    parts = json.loads(CODEC.write_reply(reply).body)["candidates"][0]["content"]["parts"]
    for part in parts:
        base64.b64decode(part.get("thoughtSignature", ""), validate=True)
    back = CODEC.read_request(request(user({"text": "x"}), model(*parts)))
    assert back.messages[1].parts == thoughts
    assert written(back)["contents"][1]["parts"] == [{"text": "Yes."}]


def _reply(parts: tuple[Any, ...]) -> Any:
    from asbru.core.chat import Choice
    from asbru.core.reply import ChatReply

    choice = Choice(index=0, parts=parts, stop="stop")
    return ChatReply(id="msg_1", model="c", choices=(choice,), dialect="anthropic_messages")


# --- replies and streams --------------------------------------------------------------------------------


def test_reasons_by_number() -> None:
    """As clients of Vertex AI ask for them; modalities too."""
    usage = {
        "promptTokenCount": 9,
        "totalTokenCount": 12,
        "candidatesTokenCount": 3,
        "promptTokensDetails": [{"modality": 4, "tokenCount": 5}],
    }
    body = {"candidates": [{"content": model({"text": "x"}), "finishReason": 2}], "usageMetadata": usage}
    reply = CODEC.read_reply(json.dumps(body).encode())
    assert (reply.choices[0].stop, reply.choices[0].raw_stop) == ("length", "MAX_TOKENS")
    assert reply.usage is not None and (reply.usage.audio_input, reply.usage.input) == (5, 4)


def test_a_list_in_the_place_of_a_stream_is_its_error() -> None:
    """Google answers errors so where a stream was asked for without server-sent events."""
    body = json.dumps([{"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}]).encode()
    fault = DIALECT.passing.prelude(body)
    assert not isinstance(fault, bool) and (fault.status, fault.message) == (503, "overloaded")
    with pytest.raises(UpstreamError, match="overloaded"):
        CODEC.read_reply(body)


def test_an_error_in_a_list_is_told_alone() -> None:
    """Callers of what is no stream read an object, and those of a stream as an array one list; as it was said."""
    said = b'{"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT", "own": 1}}'
    for body in (said, b"[%b]" % said, b"\n [%b\n]\n" % said):
        assert DIALECT.errors.write(DIALECT.errors.read(400, body), "id") == said


def test_a_stream_that_loses_its_connection_after_its_last_event_is_whole() -> None:
    """Google tells the usage together with the reason; without it more was to come."""
    event: dict[str, Any] = {"candidates": [{"content": model({"text": "x"}), "finishReason": "STOP"}]}
    for more, whole in (({}, False), ({"usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 2}}, True)):
        data = b"data: %b\r\n\r\n" % json.dumps(event | more).encode()
        reader = CODEC.stream_reader()
        events = reader.feed(data) + reader.close(clean=False)
        assert isinstance(events[-1], ReplyEnd) is whole
        assert (DIALECT.passing.tail(data).complete, DIALECT.passing.tail(data).finished) == (whole, True)


def test_keep_alives_are_not_written() -> None:
    """Clients of this API read every line of a stream as an event's."""
    from asbru.core.reply import Ping

    writer = CODEC.stream_writer(ChatRequest(model="m", messages=()))
    assert writer.write([Ping()]) == b""


# --- embeddings -----------------------------------------------------------------------------------------


def test_embeddings_go_both_ways() -> None:
    """Texts to one batch, vectors back; token numbers are refused in words."""
    ours = CHAT.operation("embeddings")
    theirs = DIALECT.operation("embeddings")
    assert ours is not None and ours.shape is not None and theirs is not None and theirs.shape is not None
    asked = ours.shape.read_request(json.dumps({"model": "m", "input": ["a", "b"], "dimensions": 2}).encode(), b"")
    body = json.loads(theirs.shape.write_request(asked, "e", Traits()).body)
    assert [one["model"] for one in body["requests"]] == ["models/e"] * 2
    assert body["requests"][0]["outputDimensionality"] == 2
    reply = theirs.shape.read_reply(b'{"embeddings":[{"values":[1,0]},{"values":[0,1]}]}', b"")
    assert reply.vectors == ((1.0, 0.0), (0.0, 1.0))
    numbers = ours.shape.read_request(b'{"model":"m","input":[1,2]}', b"")
    with pytest.raises(BadRequest, match="token numbers"):
        theirs.shape.write_request(numbers, "e", Traits())


def test_one_content_is_embedded_as_one() -> None:
    """`embedContent` has a form of its own, and its texts can be changed."""
    one = next(operation for operation in DIALECT.operations if operation.surface == "embed")
    assert one.shape is not None and one.texts is not None
    body = json.dumps({"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "taskType": "X"}).encode()
    asked = one.shape.read_request(body, b"")
    assert (asked.inputs, one.texts.read(body)) == (("a\nb",), ("a\nb",))
    changed = json.loads(one.texts.write(body, ["c"]))
    assert changed == {"content": {"parts": [{"text": "c"}]}, "taskType": "X"}
    vectors = one.shape.read_reply(b'{"embedding":{"values":[1.5]}}', b"")
    assert json.loads(one.shape.write_reply(vectors, asked).body) == {"embedding": {"values": [1.5]}}


def test_own_schemas_become_json_schema() -> None:
    """For other dialects; its own gets it back as it came."""
    own = {"type": "OBJECT", "nullable": True, "properties": {"n": {"type": "INTEGER", "minItems": "3"}}}
    declared = {"functionDeclarations": [{"name": "f", "parameters": own}]}
    asked = CODEC.read_request(request(tools=[declared]))
    assert asked.tools is not None
    raw = getattr(asked.tools[0], "parameters", None)
    assert isinstance(raw, Raw)
    plain = {"type": ["object", "null"], "properties": {"n": {"type": "integer", "minItems": 3}}}
    assert json.loads(bytes(raw)) == plain
    assert written(asked)["tools"] == [declared]


def test_the_number_of_log_probabilities_comes_with_their_switch() -> None:
    """Responses asks for log probabilities by their number alone, Gemini refuses a number without the switch."""
    ask = (Message(role="user", parts=(TextPart(text="q"),)),)
    config = written(ChatRequest(model="m", messages=ask, top_logprobs=3, dialect="openai_responses"))
    assert config["generationConfig"] == {"logprobs": 3, "responseLogprobs": True}


def told(*events: dict[str, Any]) -> list[Any]:
    """The events of a stream."""
    reader = CODEC.stream_reader()
    data = b"".join(b"data: %b\r\n\r\n" % json.dumps(event).encode() for event in events)
    return reader.feed(data) + reader.close(clean=True)


def piece(*parts: dict[str, Any] | None, **members: Any) -> dict[str, Any]:
    """An event with one candidate."""
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, **members}], "responseId": "r"}


def test_text_after_a_finish_reason_is_text() -> None:
    """Vertex has sent a reason with every event, gateways send one before the text
    (https://github.com/BerriAI/litellm/issues/2195, https://github.com/router-for-me/CLIProxyAPI/issues/5651): a reply
    is over when its body is, and the last reason counts."""
    events = told(
        piece({"text": ""}, finishReason="STOP"),
        piece({"text": "one"}, finishReason="STOP"),
        piece({"text": " two"}, finishReason="MAX_TOKENS"),
    )
    whole = assemble(events)
    assert whole.complete
    assert whole.reply.choices[0].parts == (TextPart(text="one two"),)
    assert whole.reply.choices[0].stop == "length"
    assert sum(isinstance(event, ChoiceStop) for event in events) == 1


def test_a_part_that_is_null_is_nothing() -> None:
    """Whole, streamed and in a request."""
    assert assemble(told(piece(None, {"text": "a"}, finishReason="STOP"))).reply.choices[0].parts == (
        TextPart(text="a"),
    )
    reply = CODEC.read_reply(json.dumps(piece({"text": "a"}, None, finishReason="STOP")).encode())
    assert reply.choices[0].parts == (TextPart(text="a"),)
    body = json.dumps({"contents": [{"role": "user", "parts": [None, {"text": "a"}]}]}).encode()
    assert CODEC.read_request(body).messages[0].parts == (TextPart(text="a"),)
