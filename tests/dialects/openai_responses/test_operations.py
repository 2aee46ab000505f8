"""The Responses dialect where the suite over all dialects (tests/kits/test_dialects.py) does not look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import ForeignPart, RedactedThinkingPart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from asbru.core.errors import BadRequest
from asbru.core.reply import ReplyEnd, StreamFault
from asbru.core.traits import Traits
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as CHAT
from asbru.dialects.openai_responses import DIALECT

CODEC = DIALECT.chat
USAGE = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 3, "total_tokens": 12}


def request(**members: Any) -> bytes:
    """A request's body."""
    return json.dumps({"model": "m", "input": "hi", **members}).encode()


def response(*output: dict[str, Any], **members: Any) -> bytes:
    """A response's body."""
    base = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "usage": USAGE}
    return json.dumps({**base, "output": output, **members}).encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [("previous_response_id", "resp_1"), ("conversation", "conv_1"), ("prompt", {"id": "p"}), ("background", True)],
)
def test_what_the_provider_stores_is_not_translated(name: str, value: object) -> None:
    """A translated call never loses the conversation that it continues: it is refused, naming the member."""
    with pytest.raises(BadRequest) as refused:
        CODEC.read_request(request(**{name: value}))
    assert refused.value.param == name


def test_a_reference_to_an_item_is_refused() -> None:
    """An item that another provider stored cannot be sent."""
    with pytest.raises(BadRequest, match="send the item"):
        CODEC.read_request(request(input=[{"type": "item_reference", "id": "msg_1"}]))


def test_calls_side_by_side_are_one_turn() -> None:
    """Items that follow each other become one message, as other dialects want it; and so do their results."""
    read = CODEC.read_request(
        request(
            input=[
                {"role": "user", "content": "go"},
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
                {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
                {"type": "custom_tool_call", "call_id": "b", "name": "g", "input": "text"},
                {"type": "function_call_output", "call_id": "a", "output": "1"},
                {"type": "custom_tool_call_output", "call_id": "b", "output": "2"},
            ]
        )
    )
    asked, said, results = read.messages
    assert [type(part) for part in said.parts] == [ThinkingPart, ToolCallPart, ToolCallPart]
    assert [type(part) for part in results.parts] == [ToolResultPart, ToolResultPart]
    assert (asked.role, said.role, results.role) == ("user", "assistant", "user")


def test_a_request_of_another_dialect_is_not_stored() -> None:
    """Its caller did not ask the provider to keep it; what it reasons comes back in encrypted form."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "reasoning_effort": "low"}
    written = CODEC.write_request(CHAT.chat.read_request(json.dumps(body).encode()), "m", Traits())
    sent = json.loads(written.body)
    assert (sent["store"], sent["include"]) == (False, ["reasoning.encrypted_content"])
    assert {note.field for note in written.notes} == {"store", "include"}


@pytest.mark.parametrize("kind", ["thinking", "redacted_thinking"])
def test_anothers_thinking_survives_a_caller(kind: str) -> None:
    """Signed thinking of Anthropic goes to a caller of this dialect and back to Anthropic unchanged."""
    block = (
        {"type": "thinking", "thinking": "Seven.", "signature": "c2ln"}
        if kind == "thinking"
        else {"type": "redacted_thinking", "data": "b64"}
    )
    reply = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "c", "stop_reason": "end_turn",
        "content": [block, {"type": "text", "text": "No."}], "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    told = json.loads(CODEC.write_reply(ANTHROPIC.chat.read_reply(json.dumps(reply).encode())).body)
    back = CODEC.read_request(request(input=[{"role": "user", "content": "91?"}, *told["output"]]))
    assert isinstance(back.messages[1].parts[0], ThinkingPart | RedactedThinkingPart)
    sent = json.loads(ANTHROPIC.chat.write_request(back, "c", Traits()).body)
    assert sent["messages"][1]["content"][0] == block


def test_tools_that_cost_a_fee_leave_the_cost_unknown() -> None:
    """A search is not charged by tokens alone: such usage is not standard, however it is read."""
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    body = response(search)
    for usage in (DIALECT.passing.usage_of(body), CODEC.read_reply(body).usage):
        assert usage is not None
        assert not usage.standard


def test_usage_is_found_in_an_event_cut_at_its_beginning() -> None:
    """The last event of a long stream may be larger than what is kept of its end."""
    event = b'event: response.completed\ndata: {"type":"response.completed","response":%b}\n\n' % response()
    whole = DIALECT.passing.tail(event)
    cut = DIALECT.passing.tail(event[90:])
    assert whole.usage is not None and cut.usage is not None
    assert (whole.usage.total, whole.complete) == (cut.usage.total, cut.complete)


@pytest.mark.parametrize("cut", [3, 20, 40])
def test_a_last_event_cut_at_its_end_ends_no_stream(cut: int) -> None:
    """Its name alone does not make the response whole."""
    event = b'event: response.completed\ndata: {"type":"response.completed","response":%b}\n\n' % response()
    assert DIALECT.passing.tail(event).complete
    assert not DIALECT.passing.tail(event[:-cut]).complete


def test_the_cost_of_an_event_cut_at_its_beginning_is_unknown() -> None:
    """A tool that costs a fee, or another service tier, may stand in what was cut off."""
    body = json.dumps({"output": [{"type": "web_search_call"}], "service_tier": "priority", "usage": USAGE}).encode()
    event = b'event: response.completed\ndata: {"type":"response.completed","response":%b}\n\n' % body
    cut = DIALECT.passing.tail(event[event.index(b'"usage":') :])
    assert cut.usage is not None and not cut.usage.standard


def test_a_failed_response_is_an_error() -> None:
    """A provider that answers 200 with a response that failed is tried again, like any other error."""
    body = response(status="failed", error={"code": "rate_limit_exceeded", "message": "Slow down."})
    inside = DIALECT.errors.inside(body)
    assert inside is not None
    assert (inside.status, inside.message, inside.kind) == (429, "Slow down.", "fault")


def test_a_stream_without_announcements_is_read() -> None:
    """Servers that imitate the API leave out the events that announce contents."""
    events = [
        ("response.created", {"response": {"id": "r", "model": "m", "status": "in_progress", "output": []}}),
        ("response.output_item.added", {"output_index": 0, "item": {"type": "message", "role": "assistant"}}),
        ("response.output_text.delta", {"output_index": 0, "content_index": 0, "delta": "Hi"}),
        ("response.completed", {"response": json.loads(response())}),
    ]
    reader = CODEC.stream_reader()
    found = reader.feed(
        b"".join(b"data: %b\n\n" % json.dumps({"type": kind, **more}).encode() for kind, more in events)
    )
    assert isinstance(found[-1], ReplyEnd)
    assert not any(isinstance(event, StreamFault) for event in found)


def test_a_message_keeps_its_border_and_its_phase() -> None:
    """Two messages in a row stay two, and what is unknown of one rides along."""
    items = [
        {"type": "message", "role": "assistant", "id": f"msg_{at}", "phase": "commentary", "content": content}
        for at, content in enumerate(([{"type": "output_text", "text": "a", "annotations": []}],) * 2)
    ]
    read = CODEC.read_reply(response(*items))
    assert all(isinstance(part, TextPart) for part in read.choices[0].parts)
    written = json.loads(CODEC.write_reply(read).body)["output"]
    assert [(item["id"], item["phase"]) for item in written] == [("msg_0", "commentary"), ("msg_1", "commentary")]


def test_a_provider_tools_call_is_foreign() -> None:
    """Calls of the provider's own tools go back to it as they were, and nowhere else."""
    call = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    }
    read = CODEC.read_request(
        request(input=[{"role": "user", "content": "q"}, call, {"role": "user", "content": "?"}])
    )
    part = read.messages[1].parts[0]
    assert isinstance(part, ForeignPart)
    assert json.loads(CODEC.write_request(read, "m", Traits()).body)["input"][1] == call


@pytest.mark.parametrize(("signature", "thinks"), [("asbru:anthropic_messages:sig", True), ("gAAAA", False)])
def test_thinking_goes_on_within_a_turn_that_has_its_own(signature: str, thinks: bool) -> None:
    """A model that wants the thinking before its calls back is asked to think again only if it was carried."""
    items = [
        {"role": "user", "content": "go"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}], "encrypted_content": signature},
        {"type": "function_call", "call_id": "toolu_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "toolu_1", "output": "1"},
    ]
    tools = [{"type": "function", "name": "f"}]
    read = CODEC.read_request(request(input=items, tools=tools, reasoning={"effort": "medium"}))
    written = ANTHROPIC.chat.write_request(read, "m", Traits(thinking="budget", max_output_tokens=32_000))
    assert ("thinking" in json.loads(written.body)) is thinks
