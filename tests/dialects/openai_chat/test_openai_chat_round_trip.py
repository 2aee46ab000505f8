"""Round trip: any request of this dialect, written and read again, is the same request."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

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
    Raw,
    Reasoning,
    RedactedThinkingPart,
    RefusalPart,
    ResponseFormat,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from asbru.core.traits import Traits
from asbru.dialects.openai_chat.request import read_request
from asbru.dialects.openai_chat.request_body import write_request

NAME = "openai_chat"
WORD = st.text(min_size=1, max_size=6)
TEXT = st.text(max_size=12)
VALUE = st.sampled_from([1, 1.5, "x", True, [1, {"a": None}], {"b": "ü"}]).map(
    lambda value: Raw(json.dumps(value).encode())
)
EXTRA = st.dictionaries(st.sampled_from(("x_one", "x_two")), VALUE, max_size=2)
SCHEMA = st.just(Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}'))
CACHE = st.none() | st.builds(CacheMark, ttl=st.none() | st.just("1h"), extra=EXTRA)
MEDIA = st.builds(MediaSource, media_type=st.just("image/png"), data=st.just("AA==")) | st.builds(
    MediaSource, url=st.just("https://example.org/a")
)
FILE = st.builds(MediaSource, media_type=st.just("application/pdf"), data=st.just("AA==")) | st.builds(
    MediaSource, file_id=WORD
)
TEXT_PART = st.builds(TextPart, text=TEXT, cache=CACHE, extra=EXTRA)
PART = (
    TEXT_PART
    | st.builds(ImagePart, source=MEDIA, detail=st.none() | st.just("low"), cache=CACHE, extra=EXTRA)
    | st.builds(DocumentPart, source=FILE, title=st.none() | WORD, cache=CACHE, extra=EXTRA)
    | st.builds(AudioPart, data=st.just("AA=="), format=st.none() | st.just("wav"), extra=EXTRA)
    | st.just(ForeignPart(dialect=NAME, kind="video_url", raw=Raw(b'{"type":"video_url","video_url":{}}')))
)
PLAIN = TEXT.map(lambda text: {"parts": (TextPart(text=text),), "plain": True})
PARTS = st.lists(PART, max_size=3).map(lambda parts: {"parts": tuple(parts), "plain": False})
CONTENT = PLAIN | PARTS
ASK = st.builds(
    lambda role, content, name, extra, cache: Message(role=role, name=name, extra=extra, cache=cache, **content),
    st.sampled_from(("system", "developer", "user")),
    CONTENT,
    st.none() | WORD,
    EXTRA,
    CACHE,
)
CALL = st.builds(ToolCallPart, id=WORD, name=WORD, arguments=TEXT, custom=st.booleans(), cache=CACHE, extra=EXTRA)
THOUGHTS = st.just(()) | st.sampled_from(
    [
        (ThinkingPart(text="hm", dialect=NAME),),
        (ThinkingPart(text="hm", dialect=NAME, extra={"member": Raw(b'"reasoning"')}),),
        (
            ThinkingPart(text="hm", signature="s", dialect="anthropic_messages"),
            RedactedThinkingPart(data="d", dialect="anthropic_messages"),
            ThinkingPart(text="", signature="s2", dialect="anthropic_messages"),
        ),
        (
            RedactedThinkingPart(
                data="d",
                dialect=NAME,
                extra={
                    "type": Raw(b'"reasoning.encrypted"'),
                    "id": Raw(b'"rs_1"'),
                    "format": Raw(b'"openai-responses-v1"'),
                    "index": Raw(b"0"),
                },
            ),
        ),
    ]
)
ANSWER = st.builds(
    lambda thoughts, text, refusal, calls: Message(
        role="assistant", parts=(*thoughts, *text, *refusal, *calls), plain=bool(text)
    ),
    THOUGHTS,
    st.just(()) | TEXT.map(lambda text: (TextPart(text=text),)),
    st.just(()) | WORD.map(lambda text: (RefusalPart(text=text),)),
    st.lists(CALL, max_size=2),
)
RESULT = st.builds(
    lambda call_id, content, name, cache: ToolResultPart(call_id=call_id, name=name, cache=cache, **content),
    WORD,
    CONTENT,
    st.none() | WORD,
    CACHE,
)
RESULTS = st.lists(RESULT, min_size=1, max_size=3).map(lambda parts: Message(role="user", parts=tuple(parts)))
TURNS = st.lists(ASK | ANSWER | st.tuples(RESULTS, ASK), min_size=1, max_size=4).map(
    lambda turns: tuple(m for turn in turns for m in (turn if isinstance(turn, tuple) else (turn,)))
)
TOOL = st.builds(
    Tool,
    name=WORD,
    description=st.none() | TEXT,
    parameters=st.none() | SCHEMA,
    strict=st.none() | st.booleans(),
    cache=CACHE,
    extra=EXTRA,
) | st.just(ForeignTool(dialect=NAME, kind="web_search", raw=Raw(b'{"type":"web_search","web_search":{}}')))
CHOICE = st.sampled_from(
    [
        ToolChoice(mode="auto"),
        ToolChoice(mode="any"),
        ToolChoice(mode="none"),
        ToolChoice(mode="tool", name="f"),
        ToolChoice(mode="foreign", raw=Raw(b'{"type":"allowed_tools"}'), dialect=NAME),
    ]
)
FORMAT = st.sampled_from(
    [
        ResponseFormat(kind="text"),
        ResponseFormat(kind="json_object", extra={"x": Raw(b"1")}),
        ResponseFormat(kind="json_schema", name="n", schema=Raw(b"{}"), strict=True, description="d"),
        ResponseFormat(kind="json_schema", name="n"),
    ]
)
WISH = st.sampled_from(
    [
        Reasoning(effort="xhigh"),
        Reasoning(mode="enabled"),
        Reasoning(mode="enabled", budget_tokens=5, extra={"thinking": Raw(b'{"clear_thinking":false}')}),
        Reasoning(effort="low", extra={"reasoning": Raw(b"{}")}),
        Reasoning(budget_tokens=5, mode="disabled", extra={"reasoning": Raw(b'{"exclude":true}')}),
    ]
)
NUMBER = st.none() | st.floats(min_value=-2, max_value=2)
WHOLE = st.none() | st.integers(min_value=0, max_value=2**40)
REQUEST = st.builds(
    ChatRequest,
    model=WORD,
    messages=TURNS,
    tools=st.none() | st.lists(TOOL, max_size=2).map(tuple),
    tool_choice=st.none() | CHOICE,
    parallel_tool_calls=st.none() | st.booleans(),
    response_format=st.none() | FORMAT,
    reasoning=st.none() | WISH,
    max_tokens=WHOLE,
    temperature=NUMBER,
    top_p=NUMBER,
    top_k=WHOLE,
    stop=st.none() | st.lists(TEXT, max_size=5).map(tuple),
    frequency_penalty=NUMBER,
    presence_penalty=NUMBER,
    seed=WHOLE,
    choices=WHOLE,
    logprobs=st.none() | st.booleans(),
    top_logprobs=WHOLE,
    logit_bias=st.none() | st.just(Raw(b'{"1":-1}')),
    user=st.none() | TEXT,
    service_tier=st.none() | WORD,
    stream=st.booleans(),
    dialect=st.just(NAME),
    extra=EXTRA,
)


@given(REQUEST, st.booleans())
def test_what_is_written_reads_the_same(request: ChatRequest, legacy: bool) -> None:
    """Reading what was written gives back every field, and the receipt of an own request is empty."""
    members: dict[str, Any] = {name: getattr(request, name) for name in request.__struct_fields__}
    request = ChatRequest(**(members | {"include_usage": request.stream}))
    written = write_request(request, request.model, Traits(legacy_max_tokens=legacy))
    assert written.notes == ()
    assert read_request(written.body) == request
