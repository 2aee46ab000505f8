"""Stand-ins: tools that a target lacks, offered as functions, and the way back, whole and streamed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.fakes.inside import answer
from tests.fakes.translated import configured, noted, sent

from asbru.core.chat import (
    ChatRequest,
    Choice,
    ForeignTool,
    Message,
    Raw,
    StandIn,
    TextPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from asbru.core.reply import ChatReply, PartDelta, PartStart, PartStop, ReplyStart, StreamEvent
from asbru.pipeline.completing import Completing
from asbru.pipeline.stand_ins import stand_ins_of, text_of, with_stand_ins

PATCH = StandIn(tool=Tool(name="apply_patch"), name="apply_patch", custom=True)
LOOK = StandIn(tool=Tool(name="gw__look"), name="look", namespace="gw")
TOOLS = tuple(ForeignTool(dialect="d", kind="k", raw=Raw(b"{}"), stand_ins=(one,)) for one in (PATCH, LOOK))
SEARCH = ForeignTool(dialect="d", kind="web_search", raw=Raw(b"{}"))


def test_tools_and_earlier_calls_become_functions() -> None:
    """What has no stand-in stays, and is left to the writer's notes; earlier calls have the function's form."""
    call = ToolCallPart(id="a", name="apply_patch", arguments='say "hi"', custom=True)
    grouped = ToolCallPart(id="b", name="look", arguments="{}", namespace="gw")
    result = ToolResultPart(call_id="a", extra={"type": Raw(b'"custom_tool_call_output"')})
    request = ChatRequest(
        model="m",
        messages=(Message(role="assistant", parts=(call, grouped)), Message(role="user", parts=(result,))),
        tools=(*TOOLS, SEARCH),
        tool_choice=ToolChoice(mode="foreign", name="apply_patch", raw=Raw(b"{}"), dialect="d"),
    )
    offered = with_stand_ins(request)
    assert offered.tools == (PATCH.tool, LOOK.tool, SEARCH)
    assert offered.tool_choice == ToolChoice(mode="tool", name="apply_patch")
    first, second = offered.messages[0].parts
    assert first == ToolCallPart(id="a", name="apply_patch", arguments='{"input":"say \\"hi\\""}')
    assert second == ToolCallPart(id="b", name="gw__look", arguments="{}")
    assert offered.messages[1].parts == (ToolResultPart(call_id="a"),)


def test_other_requests_are_left_alone() -> None:
    """The very object goes on where there is nothing to stand in for."""
    call = ToolCallPart(id="a", name="f", arguments="{}")
    request = ChatRequest(
        model="m", messages=(Message(role="assistant", parts=(call,)),), tools=(Tool(name="f"), SEARCH)
    )
    assert with_stand_ins(request) is request


def completing() -> Completing:
    """What completes the reply to a request with these tools."""
    return Completing({}, 7, "id", stand_ins=stand_ins_of(ChatRequest(model="m", messages=(), tools=TOOLS)))


def test_a_reply_calls_the_callers_own_tools() -> None:
    """Text comes out of its JSON, and the tool of a namespace has both its names."""
    parts = (
        TextPart(text="t"),
        ToolCallPart(id="a", name="apply_patch", arguments='{"input":"x\\ny"}'),
        ToolCallPart(id="b", name="gw__look", arguments="{}"),
    )
    reply = ChatReply(id="r", model="m", choices=(Choice(index=0, parts=parts, stop="tool_calls"),))
    text, patch, look = completing().reply(reply).choices[0].parts
    assert text == parts[0]
    assert patch == ToolCallPart(id="a", name="apply_patch", arguments="x\ny", custom=True)
    assert look == ToolCallPart(id="b", name="look", arguments="{}", namespace="gw")


@pytest.mark.parametrize("pieces", [['{"input":"x\\ny"}'], ['{"in', 'put":"x', '\\ny"}']])
def test_a_stream_calls_them_too(pieces: list[str]) -> None:
    """However its JSON is split, the text comes whole, between the start and the end of its part."""
    events: list[StreamEvent] = [
        ReplyStart(id="r", model="m"),
        PartStart(index=0, part=ToolCallPart(id="a", name="apply_patch", arguments="")),
        *(PartDelta(index=0, text=piece) for piece in pieces),
        PartStart(index=1, part=ToolCallPart(id="b", name="gw__look", arguments="")),
        PartDelta(index=1, text="{}"),
        PartStop(index=0),
        PartStop(index=1),
    ]
    done = completing()
    _, *told = [own for event in events for own in done.events([event])]
    assert told == [
        PartStart(index=0, part=ToolCallPart(id="a", name="apply_patch", arguments="", custom=True)),
        PartStart(index=1, part=ToolCallPart(id="b", name="look", arguments="", namespace="gw")),
        PartDelta(index=1, text="{}"),
        PartDelta(index=0, text="x\ny"),
        PartStop(index=0),
        PartStop(index=1),
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input":"a"}', "a"),
        ('{"patch":"a"}', "a"),
        ('{"a":"b","c":"d"}', '{"a":"b","c":"d"}'),
        ('{"input":1}', '{"input":1}'),
        ("not JSON", "not JSON"),
        ("[]", "[]"),
        ("", ""),
    ],
)
def test_arguments_that_are_not_as_asked_are_not_lost(arguments: str, text: str) -> None:
    """A model may name the member otherwise, or write the text itself."""
    assert text_of(arguments) == text


def test_a_custom_tool_of_a_chat_is_called_at_another_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the request to the reply: Anthropic gets a function, and the caller its own kind of call."""
    inside = configured("anthropic", tmp_path, monkeypatch)
    call = {"type": "tool_use", "id": "toolu_1", "name": "note", "input": {"input": 'say "hi"'}}
    reply = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [call],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    inside.script("api.anthropic.com", answer(200, json.dumps(reply).encode()))
    asked = {
        "model": "anthropic/claude-x",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "custom", "custom": {"name": "note", "description": "Write"}}],
        "tool_choice": {"type": "custom", "custom": {"name": "note"}},
    }
    caller = inside.call("/v1/chat/completions", asked)
    assert caller.status == 200, caller.body
    body = json.loads(sent(inside)[2])
    assert body["tools"][0]["name"] == "note" and body["tool_choice"] == {"type": "tool", "name": "note"}
    assert not [note for note in noted(caller) if "tool" in note]
    message = json.loads(caller.body)["choices"][0]["message"]
    assert message["tool_calls"] == [
        {"id": "toolu_1", "type": "custom", "custom": {"name": "note", "input": 'say "hi"'}}
    ]
