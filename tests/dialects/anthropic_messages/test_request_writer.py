"""Writing Messages requests from canonical ones of another dialect: shape, limits, and the receipt."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from asbru.core.chat import (
    AudioPart,
    CacheMark,
    ChatRequest,
    DocumentPart,
    ForeignPart,
    ForeignTool,
    ImagePart,
    MediaSource,
    Message,
    Part,
    Raw,
    Reasoning,
    RedactedThinkingPart,
    RefusalPart,
    ResponseFormat,
    Role,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from asbru.core.traits import PLAIN, ThinkingStyle, Traits
from asbru.dialects.anthropic_messages import DIALECT

TOOL = Tool(name="f", parameters=Raw(b'{"type":"object"}'))


def say(role: Role, *parts: Part | str, plain: bool = False) -> Message:
    """A message of parts; strings are text."""
    made = tuple(TextPart(text=part) if isinstance(part, str) else part for part in parts)
    return Message(role=role, parts=made, plain=plain)


def ask(*messages: Message, **fields: Any) -> ChatRequest:
    """A request of another dialect."""
    fields.setdefault("max_tokens", 5000)
    fields.setdefault("dialect", "openai_chat")
    return ChatRequest(model="asked", messages=messages or (say("user", "hi", plain=True),), **fields)


def write(request: ChatRequest, traits: Traits = PLAIN) -> tuple[dict[str, Any], list[str]]:
    """The body and the notes as text."""
    written = DIALECT.chat.write_request(request, "claude", traits)
    return json.loads(written.body), [str(note) for note in written.notes]


def test_plain_request() -> None:
    """Leading system text goes on top, plain text stays a string, and nothing needs a note."""
    body, notes = write(ask(say("system", "S", plain=True), say("user", "hi", plain=True), stream=True, user="u"))
    assert body == {
        "model": "claude",
        "max_tokens": 5000,
        "system": "S",
        "messages": [{"role": "user", "content": "hi"}],
        "metadata": {"user_id": "u"},
        "stream": True,
    }
    assert notes == []


@pytest.mark.parametrize(("limit", "expected"), [(0, 4096), (64000, 64000)])
def test_max_tokens_is_added(limit: int, expected: int) -> None:
    """The API requires max_tokens: the model's limit, else a number every model allows, and a note."""
    body, notes = write(ask(max_tokens=None), Traits(max_output_tokens=limit))
    assert body["max_tokens"] == expected
    assert notes == [f"added max_tokens ({expected}: the API requires one)"]


def test_max_tokens_above_the_largest_output_is_lowered() -> None:
    """Another dialect's limit that the model refuses is lowered, with a note; one of this dialect is the caller's."""
    traits = Traits(max_output_tokens=100)
    body, notes = write(ask(max_tokens=101), traits)
    assert (body["max_tokens"], notes) == (100, ["changed max_tokens (101 became 100: the model's largest output)"])
    assert write(ask(max_tokens=100), traits)[1] == []
    assert write(native(max_tokens=101), traits)[0]["max_tokens"] == 101


def test_sampling_is_left_out_where_the_model_refuses_it() -> None:
    """Whatever its value, each with a note."""
    body, notes = write(ask(temperature=1.0, top_p=0.5), Traits(sampling=False))
    assert not body.keys() & {"temperature", "top_p"}
    assert [note.split(" (")[0] for note in notes] == ["dropped temperature", "dropped top_p"]


@pytest.mark.parametrize(
    ("asked", "efforts", "thinking", "effort"),
    [
        ("xhigh", ("none", "low", "high", "max"), "adaptive", "high"),
        ("minimal", ("medium", "high"), "adaptive", "medium"),
        ("max", ("low", "max"), "adaptive", "max"),
        ("none", ("none", "low"), "disabled", None),
        ("none", ("low", "high"), "adaptive", "low"),
    ],
)
def test_effort_is_one_that_the_model_takes(
    asked: str, efforts: tuple[str, ...], thinking: str, effort: str | None
) -> None:
    """The nearest effort, the weaker of two; a model that always thinks is not asked to stop, but to think little."""
    body, notes = write(ask(reasoning=Reasoning(effort=asked)), Traits(efforts=efforts))
    assert (body["thinking"]["type"], body.get("output_config", {}).get("effort")) == (thinking, effort)
    assert bool(notes) is (effort is not None and effort != asked)


def test_turns_alternate_and_results_come_first() -> None:
    """Same-role turns merge, tool results open theirs, and system text between turns becomes user text, noted."""
    body, notes = write(
        ask(
            say("system", "A", plain=True),
            say("developer", "B", plain=True),
            say("user", "do", plain=True),
            say(
                "assistant",
                ToolCallPart(id="1", name="f", arguments='{"a": 1}'),
                ToolCallPart(id="2", name="f", arguments=""),
            ),
            say("system", "mind", plain=True),
            say("user", ToolResultPart(call_id="1", parts=(TextPart(text="one"),)), ToolResultPart(call_id="2")),
            say("user", "go on", plain=True),
            say("assistant", "a", plain=True),
            say("assistant", "b", plain=True),
            tools=(TOOL,),
        )
    )
    assert body["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user", "assistant"]
    assert [call["input"] for call in body["messages"][1]["content"]] == [{"a": 1}, {}]
    kinds = [(block["type"], block.get("content", block.get("text"))) for block in body["messages"][2]["content"]]
    assert kinds == [("tool_result", "one"), ("tool_result", None), ("text", "mind"), ("text", "go on")]
    assert [block["text"] for block in body["messages"][3]["content"]] == ["a", "b"]
    assert notes == ["changed messages[4] (system text inside the conversation became user text)"]


def test_system_alone_becomes_the_question() -> None:
    """A conversation of system text alone would be refused: the last of it is asked."""
    body, notes = write(ask(say("system", "A", plain=True), say("system", "B", plain=True)))
    assert (body["system"], body["messages"]) == ("A", [{"role": "user", "content": "B"}])
    assert len(notes) == 1


def test_empty_text_is_dropped() -> None:
    """Empty and white text would be refused; it goes with a note, and so does a message left empty."""
    body, notes = write(ask(say("user", "", "x"), say("assistant", "  \n", plain=True), say("user", "y", plain=True)))
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]}
    ]
    assert notes == [
        "dropped messages[0].parts[0] (empty text)",
        "dropped messages[1].parts[0] (empty text)",
    ]


def test_bad_arguments_are_kept_as_text() -> None:
    """Arguments that are no JSON object still reach the model, in `_raw`, with a note."""
    calls = [ToolCallPart(id=str(n), name="f", arguments=text) for n, text in enumerate(("{bad", "[1]", "  "))]
    custom = ToolCallPart(id="c", name="g", arguments="SELECT 1", custom=True)
    body, notes = write(ask(say("assistant", *calls, custom)))
    inputs = [block["input"] for block in body["messages"][0]["content"]]
    assert inputs == [{"_raw": "{bad"}, {"_raw": "[1]"}, {}, {"input": "SELECT 1"}]
    assert [note.split(" (")[0] for note in notes] == [f"changed messages[0].parts[{n}].arguments" for n in (0, 1, 3)]


def test_arguments_keep_their_bytes() -> None:
    """Arguments that are an object are not re-serialised."""
    call = ToolCallPart(id="1", name="f", arguments='{"a" : 1.50, "b":"\\u00e9"}')
    written = DIALECT.chat.write_request(ask(say("assistant", call)), "claude", PLAIN)
    assert b'"input":{"a" : 1.50, "b":"\\u00e9"}' in written.body


def test_call_ids_fit_and_still_match() -> None:
    """An id with letters the API refuses is written alike in the call and in its result."""
    body, _ = write(
        ask(
            say("assistant", ToolCallPart(id="a:b/1", name="f", arguments="{}")),
            say("user", ToolResultPart(call_id="a:b/1")),
        )
    )
    assert (
        body["messages"][0]["content"][0]["id"] == body["messages"][1]["content"][0]["tool_use_id"] == "asbru-YTpiLzE"
    )


def test_images_and_files() -> None:
    """Images go by base64 or url, PDF and text files as documents; the rest is noted."""
    text = base64.b64encode("héllo".encode()).decode()
    parts: list[Part] = [
        ImagePart(source=MediaSource(url="https://example.org/a.png"), detail="high"),
        ImagePart(source=MediaSource(url="data:image/png;base64,iVBORw0KGgo=")),
        ImagePart(source=MediaSource(data="/9j/4AAQ")),
        ImagePart(source=MediaSource(file_id="file-1")),
        DocumentPart(source=MediaSource(media_type="application/pdf", data="JVBERi0="), title="a.pdf"),
        DocumentPart(source=MediaSource(media_type="text/plain", data=text)),
        DocumentPart(source=MediaSource(media_type="application/zip", data="UEs=")),
        AudioPart(data="AAAA", format="wav"),
        RefusalPart(text="no"),
        ForeignPart(dialect="gemini", kind="executable_code", raw=Raw(b"{}")),
    ]
    body, notes = write(ask(say("user", *parts)))
    content = body["messages"][0]["content"]
    assert [block.get("source") or block["text"] for block in content] == [
        {"type": "url", "url": "https://example.org/a.png"},
        {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
        {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AAQ"},
        {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
        {"type": "text", "media_type": "text/plain", "data": "héllo"},
        "no",
    ]
    assert content[3]["title"] == "a.pdf"
    assert notes == [
        "dropped messages[0].parts[0].detail (no equivalent)",
        "added messages[0].parts[2].media_type (image/jpeg)",
        "dropped messages[0].parts[3] (a file id of another provider)",
        "changed messages[0].parts[5] (a text file became a text document)",
        "dropped messages[0].parts[6] (a document of type application/zip)",
        "dropped messages[0].parts[7] (no audio input)",
        "changed messages[0].parts[8] (a refusal became text)",
        "dropped messages[0].parts[9] (executable_code has no equivalent)",
    ]


def test_only_own_thinking_goes_back() -> None:
    """Thinking is sent only with this provider's own signature, byte for byte; the rest is noted."""
    parts: list[Part] = [
        ThinkingPart(text="ours", signature="Eq==", dialect=DIALECT.name),
        ThinkingPart(text="bare", dialect=DIALECT.name),
        ThinkingPart(text="theirs", signature="x", dialect="gemini"),
        RedactedThinkingPart(data="En==", dialect=DIALECT.name),
        RedactedThinkingPart(data="y", dialect="openai_responses"),
        TextPart(text="t"),
    ]
    body, notes = write(ask(say("assistant", *parts)))
    assert body["messages"][0]["content"] == [
        {"type": "thinking", "thinking": "ours", "signature": "Eq=="},
        {"type": "redacted_thinking", "data": "En=="},
        {"type": "text", "text": "t"},
    ]
    assert [note.split(" (")[0] for note in notes] == [f"dropped messages[0].parts[{n}]" for n in (1, 2, 4)]


def test_cache_marks_of_another_dialect_are_kept() -> None:
    """A mark survives wherever this API can carry one: text, image, call, result, tool, system."""
    mark = CacheMark(ttl="1h")
    image = ImagePart(source=MediaSource(url="https://example.org/a.png"), cache=mark)
    body, notes = write(
        ask(
            say("system", TextPart(text="S", cache=mark)),
            say("user", TextPart(text="q", cache=mark), image),
            say("assistant", ToolCallPart(id="1", name="f", arguments="{}", cache=mark)),
            say("user", ToolResultPart(call_id="1", parts=(TextPart(text="r", cache=mark),), cache=mark)),
            tools=(msgspec.structs.replace(TOOL, cache=mark),),
        )
    )
    assert json.dumps(body).count('"cache_control": {"type": "ephemeral", "ttl": "1h"}') == 7
    assert notes == []


def test_tools_of_another_dialect() -> None:
    """Schemas get the type the API requires; foreign tools and unknown fields are noted."""
    tools = (
        Tool(name="a"),
        Tool(name="b", parameters=Raw(b'{"properties":{}}'), strict=False, extra={"x": Raw(b"1")}),
        Tool(name="c", parameters=Raw(b'{"type":"object"}'), strict=True, description="C"),
        ForeignTool(dialect="openai_responses", kind="web_search", raw=Raw(b"{}")),
    )
    body, notes = write(ask(tools=tools, tool_choice=ToolChoice(mode="any"), parallel_tool_calls=False))
    assert body["tools"] == [
        {"name": "a", "input_schema": {"type": "object", "properties": {}}},
        {"name": "b", "input_schema": {"type": "object", "properties": {}}},
        {"name": "c", "description": "C", "input_schema": {"type": "object"}, "strict": True},
    ]
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert notes == [
        "added tools[1].parameters.type (object)",
        "dropped tools[1].x (known to openai_chat only)",
        "dropped tools[3] (web_search has no equivalent)",
    ]


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="auto"), True, {"type": "auto"}),
        (ToolChoice(mode="none"), False, {"type": "none"}),
        (ToolChoice(mode="tool", name="f"), None, {"type": "tool", "name": "f"}),
        (ToolChoice(mode="foreign", raw=Raw(b"{}"), dialect="x"), None, None),
    ],
)
def test_tool_choice(choice: ToolChoice | None, parallel: bool | None, expected: Any) -> None:
    """Choice and parallelism share one object here."""
    body, _ = write(ask(tools=(TOOL,), tool_choice=choice, parallel_tool_calls=parallel))
    assert body.get("tool_choice") == expected


def test_tool_choice_without_tools_is_dropped() -> None:
    """The API refuses a choice among no tools."""
    body, notes = write(ask(tools=(), tool_choice=ToolChoice(mode="any"), parallel_tool_calls=False))
    assert "tools" not in body and "tool_choice" not in body
    assert notes == ["dropped tool_choice (there are no tools)"]


def test_settings_without_equivalent_are_noted() -> None:
    """Each setting that the API lacks is named, and so is each unknown field of the other dialect."""
    body, notes = write(
        ask(
            frequency_penalty=1.0,
            presence_penalty=1.0,
            seed=7,
            choices=2,
            logprobs=True,
            top_logprobs=3,
            logit_bias=Raw(b"{}"),
            response_format=ResponseFormat(kind="json_object"),
            temperature=1.7,
            top_p=0.5,
            stop=("\n", "END"),
            service_tier="flex",
            extra={"store": Raw(b"true"), "prediction": Raw(b"{}")},
        )
    )
    assert {name: body[name] for name in body if name not in ("model", "max_tokens", "messages")} == {
        "temperature": 1.0,
        "stop_sequences": ["END"],
    }
    assert sorted(note.split(" (")[0] for note in notes) == sorted(
        ["changed temperature"]
        + [
            f"dropped {name}"
            for name in (
                *("top_p", "stop", "frequency_penalty", "presence_penalty", "seed", "choices", "logprobs"),
                *("top_logprobs", "logit_bias", "response_format", "service_tier", "store", "prediction"),
            )
        ]
    )


def test_structured_output() -> None:
    """A JSON schema keeps its bytes; name and looseness are noted."""
    fmt = ResponseFormat(
        kind="json_schema", name="N", schema=Raw(b'{"type": "object", "additionalProperties": false}'), strict=False
    )
    written = DIALECT.chat.write_request(ask(response_format=fmt), "claude", PLAIN)
    assert (
        b'"output_config":{"format":{"type":"json_schema","schema":{"type": "object", "additionalProperties": false}}}'
        in written.body
    )
    assert [note.field for note in written.notes] == ["response_format.name", "response_format.strict"]


def test_strip_is_noted() -> None:
    """A field that the provider refuses is left out by name."""
    body, notes = write(ask(temperature=0.5), Traits(strip=frozenset({"temperature", "store"})))
    assert "temperature" not in body
    assert notes == ["dropped temperature (the provider refuses it)"]


@pytest.mark.parametrize(("tier", "word"), [("auto", "auto"), ("default", "standard_only"), ("priority", None)])
def test_service_tier(tier: str, word: str | None) -> None:
    """OpenAI's default tier is this API's standard_only."""
    assert write(ask(service_tier=tier))[0].get("service_tier") == word


REASONING: list[Any] = [
    (Reasoning(effort="none"), None, 5000, {"type": "disabled"}, None),
    (Reasoning(effort="minimal"), None, 5000, {"type": "adaptive"}, "low"),
    (Reasoning(effort="medium"), "adaptive", 5000, {"type": "adaptive"}, "medium"),
    (Reasoning(effort="max"), None, 5000, {"type": "adaptive"}, "max"),
    (Reasoning(effort="weird"), None, 5000, None, None),
    (Reasoning(effort="high"), "none", 5000, None, None),
    (Reasoning(effort="none"), "budget", 5000, {"type": "disabled"}, None),
    (Reasoning(effort="low"), "budget", 50000, {"type": "enabled", "budget_tokens": 2048}, None),
    (Reasoning(effort="high"), "budget", 8000, {"type": "enabled", "budget_tokens": 6000}, None),
    (Reasoning(effort="high"), "budget", 1100, {"type": "enabled", "budget_tokens": 1024}, None),
    (Reasoning(effort="high"), "budget", 1024, None, None),
    (Reasoning(budget_tokens=9000), "budget", 20000, {"type": "enabled", "budget_tokens": 9000}, None),
    (Reasoning(budget_tokens=9000), None, 20000, {"type": "adaptive"}, "medium"),
    (Reasoning(budget_tokens=500), "budget", 20000, {"type": "enabled", "budget_tokens": 1024}, None),
]


@pytest.mark.parametrize("row", REASONING)
def test_reasoning_of_another_dialect(row: tuple[Reasoning, ThinkingStyle | None, int, Any, Any]) -> None:
    """Effort becomes what the model takes: adaptive thinking with effort, or a budget that fits; else a note."""
    reasoning, style, max_tokens, thinking, effort = row
    body, notes = write(ask(reasoning=reasoning, max_tokens=max_tokens), Traits(thinking=style))
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort
    kept = thinking is not None and reasoning.effort in (effort or "none", "none")
    assert bool(notes) is not (kept or (thinking or {}).get("budget_tokens") == 9000)


def test_the_form_of_a_wish_is_not_noted_but_its_unknown_members_are() -> None:
    """Chat's empty `reasoning` object is a spelling; a mode that changes and members that are lost are named."""
    empty = Reasoning(effort="low", extra={"reasoning": Raw(b"{}")})
    assert write(ask(reasoning=empty, max_tokens=9))[1] == []
    wish = Reasoning(mode="enabled", extra={"reasoning": Raw(b'{"exclude":true}'), "thinking": Raw(b'{"type":"x"}')})
    assert write(ask(reasoning=wish, max_tokens=9))[1] == [
        "dropped reasoning.exclude (known to openai_chat only)",
        "dropped thinking.type (known to openai_chat only)",
        "changed reasoning.mode (enabled became adaptive)",
    ]


def test_a_tool_schema_has_no_combinator_at_its_root() -> None:
    """The API refuses them for the whole request: they are merged into the root, with a note."""
    schema = b'{"type":"object","properties":{"a":{}},"anyOf":[{"required":["a"]},{"required":[]}]}'
    body, notes = write(ask(tools=(Tool(name="f", parameters=Raw(schema)),)))
    assert body["tools"][0]["input_schema"] == {"type": "object", "properties": {"a": {}}}
    assert notes == ["changed tools[0].parameters.anyOf (not allowed at the root of a tool's schema)"]


def test_thinking_excludes_sampling_and_forced_calls() -> None:
    """With thinking the API refuses temperature, top_k and top_p; with a forced call it refuses thinking."""
    thinking = Reasoning(effort="high")
    body, notes = write(ask(reasoning=thinking, temperature=0.2, top_p=0.9, top_k=5))
    assert not body.keys() & {"temperature", "top_p", "top_k"}
    assert len(notes) == 3
    body, notes = write(ask(reasoning=thinking, tools=(TOOL,), tool_choice=ToolChoice(mode="tool", name="f")))
    assert "thinking" not in body
    assert notes == ["dropped reasoning (a forced tool call excludes thinking)"]


def test_budget_is_not_started_in_the_middle_of_a_tool_turn() -> None:
    """Models that take budgets want the thinking that led to the calls being answered."""
    request = ask(say("user", ToolResultPart(call_id="1")), reasoning=Reasoning(effort="high"))
    assert "thinking" not in write(request, Traits(thinking="budget"))[0]
    assert "thinking" in write(request)[0]


def native(**fields: Any) -> ChatRequest:
    """A request of this dialect."""
    return ask(dialect=DIALECT.name, **fields)


@pytest.mark.parametrize(
    ("reasoning", "style", "thinking", "effort"),
    [
        (Reasoning(mode="enabled", budget_tokens=500), None, {"type": "enabled", "budget_tokens": 1024}, None),
        (Reasoning(mode="enabled", budget_tokens=9000), None, {"type": "enabled", "budget_tokens": 4999}, None),
        (Reasoning(mode="enabled", budget_tokens=2000), "adaptive", {"type": "adaptive"}, None),
        (Reasoning(mode="adaptive", effort="low"), "budget", {"type": "enabled", "budget_tokens": 2048}, None),
        (Reasoning(mode="adaptive", effort="max"), None, {"type": "adaptive"}, "max"),
        (Reasoning(effort="max"), "budget", None, None),
    ],
)
def test_reasoning_of_this_dialect(
    reasoning: Reasoning, style: ThinkingStyle | None, thinking: Any, effort: Any
) -> None:
    """Written word for word, inside the limits, unless the model takes the other style."""
    body, notes = write(native(reasoning=reasoning), Traits(thinking=style))
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort
    assert bool(notes) is (style is not None or reasoning.mode == "enabled")


def test_effort_beside_a_budget() -> None:
    """A model that takes a budget keeps the effort that its own caller names, where it is one of its efforts."""
    request = native(reasoning=Reasoning(mode="enabled", budget_tokens=2000, effort="low"))
    body, notes = write(request, Traits(thinking="budget", efforts=("low",)))
    assert (body["thinking"]["budget_tokens"], body["output_config"], notes) == (2000, {"effort": "low"}, [])


def test_budget_that_cannot_fit_is_left_out() -> None:
    """A request for very few tokens goes without thinking rather than being refused."""
    body, notes = write(native(reasoning=Reasoning(mode="enabled", budget_tokens=2000), max_tokens=1))
    assert "thinking" not in body
    assert notes == ["dropped thinking (no budget of 1024 fits under max_tokens 1)"]


def test_a_cache_mark_on_a_message_stands_on_its_last_part() -> None:
    """Gateways of the OpenAI family take a mark on the message; the API has it on blocks."""
    mark = CacheMark(ttl="1h")
    system = Message(role="system", parts=(TextPart(text="s"),), plain=True, cache=mark)
    turn = Message(role="user", parts=(TextPart(text="a"), TextPart(text="b")), cache=mark)
    body, _ = write(ask(system, turn))
    control = {"type": "ephemeral", "ttl": "1h"}
    assert body["system"] == [{"type": "text", "text": "s", "cache_control": control}]
    assert [block.get("cache_control") for block in body["messages"][0]["content"]] == [None, control]
    assert "cache_control" not in json.dumps(
        write(ask(say("user", "q"), Message(role="user", parts=(), cache=mark)))[0]
    )
