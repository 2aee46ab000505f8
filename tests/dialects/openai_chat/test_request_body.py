"""Writing requests: what other dialects' requests lose, gain or change on the way to chat, and that it is
noted."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from asbru.core.chat import (
    CacheMark,
    ChatRequest,
    ForeignPart,
    ForeignTool,
    Message,
    Raw,
    Reasoning,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
    ToolResultPart,
)
from asbru.core.traits import PLAIN, Traits
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.efforts import effort_of
from asbru.dialects.openai_chat.request_body import write_request

ASK = (Message(role="user", parts=(TextPart(text="q"),)),)


def write(traits: Traits = PLAIN, dialect: str = "anthropic_messages", **members: Any) -> tuple[Any, list[str]]:
    asked = {"messages": ASK, **members}
    written = write_request(ChatRequest(model="m", dialect=dialect, **asked), "up", traits)
    return json.loads(written.body), [str(note) for note in written.notes]


def test_a_lone_text_becomes_a_string() -> None:
    """A message of another dialect with one plain text is written in the short form all upstreams take."""
    assert write() == ({"model": "up", "messages": [{"role": "user", "content": "q"}]}, [])


def test_the_token_limit_has_two_names() -> None:
    """The limit goes by the modern name unless the target only knows the old one."""
    assert write(max_tokens=5)[0]["max_completion_tokens"] == 5
    assert write(Traits(legacy_max_tokens=True), max_tokens=5)[0]["max_tokens"] == 5


@pytest.mark.parametrize(
    ("budget", "effort"), [(1024, "low"), (4096, "medium"), (16_383, "medium"), (16_384, "high")]
)
def test_a_budget_becomes_an_effort(budget: int, effort: str) -> None:
    """A thinking budget is written as the nearest effort and the change is noted."""
    body, notes = write(reasoning=Reasoning(mode="enabled", budget_tokens=budget))
    assert (body["reasoning_effort"], effort_of(budget)) == (effort, effort)
    assert notes == [f"changed reasoning.budget_tokens ({budget} becomes effort {effort})"]


@pytest.mark.parametrize(
    ("wish", "written", "notes"),
    [
        (Reasoning(effort="medium"), "medium", []),
        (Reasoning(effort="max"), "high", ["changed reasoning.effort (max becomes high)"]),
        (
            Reasoning(mode="disabled"),
            None,
            ["dropped reasoning.mode (it cannot be disabled: the model's default holds)"],
        ),
        (
            Reasoning(mode="adaptive", display="omitted"),
            None,
            [
                "dropped reasoning.display (there is no such member)",
                "dropped reasoning.mode (adaptive without an effort: the model's default holds)",
            ],
        ),
    ],
)
def test_other_wishes_for_thinking(wish: Reasoning, written: str | None, notes: list[str]) -> None:
    """Efforts chat lacks become the nearest one, modes it lacks are dropped, each with a note."""
    body, noted = write(reasoning=wish)
    assert (body.get("reasoning_effort"), noted) == (written, notes)


@pytest.mark.parametrize(
    ("wish", "efforts", "written"),
    [
        (Reasoning(effort="max"), ("none", "low", "high", "xhigh"), "xhigh"),
        (Reasoning(effort="minimal"), ("low", "medium", "high"), "low"),
        (Reasoning(effort="low"), ("none", "default"), "default"),
        (Reasoning(mode="enabled", budget_tokens=31_999), ("none", "default"), "default"),
        (Reasoning(mode="disabled"), ("none", "default"), "none"),
        (Reasoning(mode="disabled"), ("minimal", "low"), "minimal"),
    ],
)
def test_an_effort_is_one_that_the_target_takes(wish: Reasoning, efforts: tuple[str, ...], written: str) -> None:
    """Where the target's efforts are known the nearest is written, and the change is noted; none switches it off."""
    body, notes = write(Traits(efforts=efforts), reasoning=wish)
    assert (body["reasoning_effort"], len(notes)) == (written, 1)


def test_a_target_that_does_not_reason_is_not_asked_to() -> None:
    """Effort, budget and mode are left out with one note; for a caller of this dialect nothing is."""
    plain = Traits(thinking="none")
    for wish in (Reasoning(effort="high", mode="adaptive"), Reasoning(mode="enabled", budget_tokens=9000)):
        body, notes = write(plain, reasoning=wish)
        assert (body.keys(), notes) == ({"model", "messages"}, ["dropped reasoning (the model does not reason)"])
    assert write(plain, "openai_chat", reasoning=Reasoning(effort="high"))[0]["reasoning_effort"] == "high"


def test_the_only_effort_beside_tools() -> None:
    """A target that takes one effort with tools is sent that, asked for or not; without tools, and own, it is not."""
    traits, tools = Traits(effort_with_tools="none"), (Tool(name="f"),)
    body, notes = write(traits, tools=tools, reasoning=Reasoning(effort="high"))
    why = "none: the model takes no other effort with tools"
    assert (body["reasoning_effort"], notes) == ("none", [f"changed reasoning (effort {why})"])
    body, notes = write(traits, tools=tools)
    assert (body["reasoning_effort"], notes) == ("none", [f"added reasoning_effort ({why})"])
    assert write(traits, reasoning=Reasoning(effort="high"))[0]["reasoning_effort"] == "high"
    assert "reasoning_effort" not in write(traits, "openai_chat", tools=tools)[0]


def test_sampling_is_left_out_where_the_target_refuses_it() -> None:
    """Each setting is noted; a caller of this dialect is taken at its word."""
    body, notes = write(Traits(sampling=False), temperature=0.5, top_p=0.9)
    assert body.keys() == {"model", "messages"}
    assert notes == [f"dropped {name} (the model takes no sampling settings)" for name in ("temperature", "top_p")]
    assert write(Traits(sampling=False), "openai_chat", temperature=0.5)[0]["temperature"] == 0.5


def test_a_limit_above_the_largest_output_is_lowered() -> None:
    """Callers of another dialect must name a limit, often one of another model: it is lowered with a note."""
    body, notes = write(Traits(max_output_tokens=100), max_tokens=32_000)
    assert body["max_completion_tokens"] == 100
    assert notes == ["changed max_tokens (32000 became 100: the model's largest output)"]
    assert write(Traits(max_output_tokens=100), "openai_chat", max_tokens=32_000)[1] == []


def test_a_stream_is_asked_for_usage() -> None:
    """Usage is asked of a stream; where the caller had not asked the receipt says so."""
    body, notes = write(stream=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert notes == ["added stream_options.include_usage (for accounting)"]
    assert write(stream=True, include_usage=True)[1] == []


def test_usage_is_not_asked_where_the_target_does_not_allow_it() -> None:
    """A target that is not asked gets no option but what a caller of this dialect wrote; what is missed is noted."""
    traits = Traits(ask_stream_usage=False)
    body, notes = write(traits, stream=True)
    assert (body["stream"], "stream_options" in body, notes) == (True, False, [])
    body, notes = write(traits, stream=True, include_usage=True)
    assert "stream_options" not in body
    assert notes == ["dropped stream_options.include_usage (the provider is not asked for it)"]
    body, notes = write(traits, "openai_chat", stream=True, include_usage=True)
    assert (body["stream_options"], notes) == ({"include_usage": True}, [])
    assert write(Traits(strip=frozenset(("stream_options",))), stream=True)[1] == []
    options = {"stream_options": Raw(b'{"include_obfuscation":false}')}
    assert write(traits, "openai_chat", stream=True, extra=options)[0]["stream_options"] == {
        "include_obfuscation": False
    }


def test_what_only_others_know_is_noted_field_by_field() -> None:
    """Unknown members of another dialect, top_k and surplus stops never vanish in silence."""
    body, notes = write(
        top_k=5, stop=("a", "b", "c", "d", "e"), extra={"container": Raw(b"1"), "mcp_servers": Raw(b"[]")}
    )
    assert body["stop"] == ["a", "b", "c", "d"]
    assert notes == [
        "changed stop (5 sequences, chat takes 4)",
        "dropped top_k (chat has no such member)",
        "dropped container (known to anthropic_messages only)",
        "dropped mcp_servers (known to anthropic_messages only)",
    ]


def test_what_the_provider_refuses_is_stripped_and_noted() -> None:
    """Fields the target refuses are left out with a note, whoever asked for them."""
    traits = Traits(strip=frozenset(("store", "service_tier", "user")))
    body, notes = write(traits, "openai_chat", service_tier="flex", extra={"store": Raw(b"true"), "x": Raw(b"1")})
    assert body == {
        "model": "up",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
        "x": 1,
    }
    assert notes == [
        "dropped service_tier (the provider refuses it)",
        "dropped store (the provider refuses it)",
    ]


def test_foreign_tools_and_the_choice_among_them_are_dropped() -> None:
    """Another dialect's server tools go, and with the last tool the choice and the parallel flag."""
    search = ForeignTool(dialect="anthropic_messages", kind="web_search_20250305", raw=Raw(b"{}"))
    body, notes = write(tools=(search,), tool_choice=ToolChoice(mode="any"), parallel_tool_calls=False)
    assert body.keys() == {"model", "messages"}
    assert [note.split(" (")[0] for note in notes] == [
        "dropped tools[0]",
        "dropped tool_choice",
        "dropped parallel_tool_calls",
    ]


def test_cache_marks_go_where_they_are_read() -> None:
    """A mark on a tool is written for targets that read marks and noted for the others."""
    tool = Tool(name="f", cache=CacheMark(ttl="1h"))
    assert write(tools=(tool,))[1] == ["dropped tools[0].cache (the upstream takes no cache marks)"]
    body, notes = write(Traits(cache_marks=True), tools=(tool,))
    assert body["tools"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert notes == []


def test_the_mark_of_a_tool_result_stands_on_its_text() -> None:
    """A marked tool result becomes a tool message whose last part has the mark: servers that cache read it there."""
    result = ToolResultPart(call_id="c", parts=(TextPart(text="r"),), cache=CacheMark())
    written = write_request(
        ChatRequest(model="m", messages=(Message(role="user", parts=(result,)),), dialect="anthropic_messages"),
        "up",
        Traits(cache_marks=True),
    )
    part = {"type": "text", "text": "r", "cache_control": {"type": "ephemeral"}}
    assert json.loads(written.body)["messages"] == [{"role": "tool", "tool_call_id": "c", "content": [part]}]


def test_a_schema_gets_the_name_chat_requires() -> None:
    """Structured output without a name, as other dialects have it, is given one."""
    form = ResponseFormat(kind="json_schema", schema=Raw(b'{"type":"object"}'))
    assert write(response_format=form)[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "response", "schema": {"type": "object"}},
    }


def test_an_own_request_rides_through_whole() -> None:
    """For a caller of this dialect top_k, five stops and unknown members are written as they came."""
    stops = ("a", "b", "c", "d", "e")
    body, notes = write(dialect="openai_chat", top_k=5, stop=stops, extra={"x": Raw(b'{"y":1.0}')})
    assert (body["top_k"], body["stop"], body["x"], notes) == (5, list(stops), {"y": 1.0}, [])


def test_the_canonical_request_is_left_alone() -> None:
    """Writing changes nothing in the request, so that a fallback can be written from the same one."""
    request = ChatRequest(model="m", messages=ASK, dialect="openai_chat", extra={"x": Raw(b"1")})
    before = msgspec.json.encode(request)
    assert write_request(request, "up", PLAIN) == write_request(request, "up", PLAIN)
    assert msgspec.json.encode(request) == before


def test_blocks_that_chat_lacks_are_said_in_words() -> None:
    """Search results and references to tools of Anthropic callers become text, also in the results of tools."""
    found = {
        "type": "search_result",
        "title": "Rivers",
        "source": "https://example.com/rivers",
        "content": [{"type": "text", "text": "The Elbe is long."}],
    }
    reference = {"type": "tool_reference", "tool_name": "get_weather"}
    content = [{"type": "tool_result", "tool_use_id": "c", "content": [found, reference]}, found]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}).encode()
    written = write_request(ANTHROPIC.chat.read_request(body), "m", PLAIN)
    text = "Rivers\nhttps://example.com/rivers\n\nThe Elbe is long."
    [tool, user] = json.loads(written.body)["messages"]
    assert [part["text"] for part in tool["content"]] == [text, "The tool get_weather is available."]
    assert user["content"] == text
    assert {note.kind for note in written.notes} == {"changed"}


def test_the_number_of_log_probabilities_comes_with_their_switch() -> None:
    """Responses asks for log probabilities by their number alone, chat refuses a number without the switch."""
    body, _ = write(dialect="openai_responses", top_logprobs=3)
    assert (body["logprobs"], body["top_logprobs"]) == (True, 3)
    assert "logprobs" not in write(dialect="openai_chat", top_logprobs=3)[0]
    assert "logprobs" not in write(dialect="openai_responses", top_logprobs=0)[0]


@pytest.mark.parametrize("anywhere", [True, False])
def test_a_reply_of_which_nothing_is_left_is_left_out(anywhere: bool) -> None:
    """Providers refuse an assistant's message without content or calls: one of which nothing can be carried (a search
    that another provider made) is dropped and noted; a caller of chat may send one."""
    search = ForeignPart(dialect="openai_responses", kind="web_search_call", raw=Raw(b"{}"))
    system = Message(role="system", parts=(TextPart(text="s"),))
    messages = (*ASK, Message(role="assistant", parts=(search,)), system, *ASK)
    body, notes = write(Traits(system_anywhere=anywhere), "openai_responses", messages=messages)
    assert "assistant" not in [one["role"] for one in body["messages"]]
    assert "dropped messages[1] (no content)" in notes
    empty = (*ASK, Message(role="assistant", parts=(TextPart(text=""),), plain=True), *ASK)
    assert len(write(dialect="openai_chat", messages=empty)[0]["messages"]) == 3


def test_top_k_goes_where_it_is_known() -> None:
    """It is no member of OpenAI's; servers that have it say so."""
    assert write(Traits(top_k=True), "gemini", top_k=5)[0]["top_k"] == 5
    body, notes = write(dialect="gemini", top_k=5)
    assert "top_k" not in body and "dropped top_k (chat has no such member)" in notes
