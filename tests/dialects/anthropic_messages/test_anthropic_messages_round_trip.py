"""Made-up requests and answers: what this dialect can say survives a write and a read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.chat import (
    CacheMark,
    ChatRequest,
    Choice,
    DocumentPart,
    Extra,
    ForeignPart,
    ForeignTool,
    ImagePart,
    MediaSource,
    Message,
    Raw,
    Reasoning,
    RedactedThinkingPart,
    ResponseFormat,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from asbru.core.reply import ChatReply
from asbru.core.traits import PLAIN
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages import DIALECT

NAME = DIALECT.name
WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
IDS = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(WORDS, JSON_VALUES, max_size=3)


def raw(value: Any) -> Raw:
    """A value as raw JSON."""
    return Raw(json.dumps(value).encode())


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The value or None."""
    return st.none() | strategy


def one(name: str) -> Raw:
    """A foreign block of a made-up type."""
    return raw({"type": f"future_{name}", "name": name})


EXTRA: st.SearchStrategy[Extra] = st.dictionaries(
    WORDS.map("x_".__add__), JSON_VALUES.filter(bool).map(raw), max_size=2
)
MARKS = maybe(st.builds(CacheMark, ttl=maybe(st.sampled_from(["5m", "1h"])), extra=EXTRA))
TEXTS = st.builds(TextPart, text=WORDS, cache=MARKS, extra=EXTRA) | st.builds(
    TextPart, text=WORDS, citations=st.lists(OBJECTS, max_size=2).map(raw), citations_dialect=st.just(NAME)
)
SOURCES = (
    st.builds(MediaSource, media_type=maybe(st.just("image/png")), data=st.just("iVBORw0KGgo="))
    | st.builds(MediaSource, url=st.just("https://example.org/a"))
    | st.builds(MediaSource, file_id=IDS)
)
IMAGES = st.builds(
    ImagePart, source=SOURCES.filter(lambda s: s.data is None or s.media_type), cache=MARKS, extra=EXTRA
)
FOREIGN = IDS.map(lambda name: ForeignPart(dialect=NAME, kind=f"future_{name}", raw=one(name)))
ABOUT = {
    "title": maybe(WORDS),
    "context": maybe(WORDS),
    "citations": maybe(OBJECTS.map(raw)),
    "cache": MARKS,
    "extra": EXTRA,
}
DOCUMENTS = (
    st.builds(DocumentPart, source=SOURCES.filter(lambda s: s.data is None or s.media_type), **ABOUT)
    | st.builds(DocumentPart, text=WORDS, **ABOUT)
    | st.builds(DocumentPart, parts=st.lists(TEXTS | IMAGES, max_size=2).map(tuple), **ABOUT)
)
INSIDE = st.lists(TEXTS | IMAGES | DOCUMENTS | FOREIGN, max_size=3).map(tuple)
RESULTS = st.builds(
    ToolResultPart, call_id=IDS, parts=INSIDE, plain=st.just(False), is_error=st.booleans(), cache=MARKS, extra=EXTRA
) | st.builds(ToolResultPart, call_id=IDS, parts=WORDS.map(lambda text: (TextPart(text=text),)), plain=st.just(True))
CALLS = st.builds(ToolCallPart, id=IDS, name=IDS, arguments=OBJECTS.map(json.dumps), cache=MARKS, extra=EXTRA)
THOUGHTS = st.builds(
    ThinkingPart, text=WORDS | st.just(""), signature=IDS, dialect=st.just(NAME), extra=EXTRA
) | st.builds(RedactedThinkingPart, data=IDS, dialect=st.just(NAME), extra=EXTRA)


def said(role: str, parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    """A message of parts, or of plain text."""
    listed = st.builds(
        Message, role=st.just(role), parts=st.lists(parts, min_size=1, max_size=4).map(tuple), extra=EXTRA
    )
    plain = st.builds(
        Message, role=st.just(role), parts=WORDS.map(lambda text: (TextPart(text=text),)), plain=st.just(True)
    )
    return listed | plain


USER = said("user", TEXTS | IMAGES | DOCUMENTS | RESULTS | FOREIGN)
TURNS = USER | said("assistant", TEXTS | CALLS | THOUGHTS | FOREIGN) | said("system", TEXTS)
SYSTEM = st.builds(
    Message, role=st.just("system"), parts=st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
) | st.builds(
    Message, role=st.just("system"), parts=WORDS.map(lambda text: (TextPart(text=text),)), plain=st.just(True)
)
CONVERSATIONS = st.builds(
    lambda system, first, rest: (*system, first, *rest),
    st.lists(SYSTEM, max_size=1),
    USER,
    st.lists(TURNS, max_size=4),
)
TOOLS = st.lists(
    st.builds(
        Tool,
        name=IDS,
        description=maybe(WORDS),
        parameters=maybe(OBJECTS.map(raw)),
        strict=maybe(st.booleans()),
        cache=MARKS,
        extra=EXTRA,
    )
    | IDS.map(lambda name: ForeignTool(dialect=NAME, kind=f"future_{name}", raw=one(name))),
    max_size=3,
).map(tuple)
CHOICES = st.sampled_from(
    [
        (None, None),
        (ToolChoice(mode="auto"), None),
        (ToolChoice(mode="any"), True),
        (ToolChoice(mode="tool", name="f"), False),
        (ToolChoice(mode="none"), None),
        (ToolChoice(mode="foreign", raw=raw({"type": "future"}), dialect=NAME), None),
    ]
)
REASONING = st.sampled_from(
    [
        None,
        Reasoning(effort="high"),
        Reasoning(mode="disabled"),
        Reasoning(mode="adaptive", effort="max", display="omitted"),
        Reasoning(mode="enabled", budget_tokens=2000, display="summarized", extra={"x": Raw(b"1")}),
        Reasoning(extra={"type": Raw(b'"future"')}),
    ]
)


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """Any request this dialect can express, in its normal form."""
    choice, parallel = draw(CHOICES)
    inner = draw(st.dictionaries(st.sampled_from(["output_config", "metadata"]), OBJECTS.filter(bool), max_size=2))
    taken = {"effort", "format", "user_id"}
    inside = {name: raw(value) for name, value in inner.items() if not taken & value.keys()}
    return ChatRequest(
        model=draw(WORDS),
        messages=draw(CONVERSATIONS),
        tools=draw(maybe(TOOLS)),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        response_format=draw(
            maybe(st.builds(ResponseFormat, kind=st.just("json_schema"), schema=OBJECTS.map(raw), extra=EXTRA))
        ),
        reasoning=draw(REASONING),
        max_tokens=draw(st.integers(3000, 9000)),
        temperature=draw(maybe(st.floats(0, 1))),
        top_p=draw(maybe(st.floats(0, 1))),
        top_k=draw(maybe(st.integers(0, 500))),
        stop=draw(maybe(st.lists(WORDS, max_size=3).map(tuple))),
        user=draw(maybe(WORDS)),
        service_tier=draw(maybe(WORDS)),
        stream=draw(st.booleans()),
        include_usage=True,
        dialect=NAME,
        extra={**draw(EXTRA), **inside},
    )


@given(requests())
def test_request_round_trip(request: ChatRequest) -> None:
    """Reading what was written gives the same request, without notes; a second write the same bytes."""
    written = DIALECT.chat.write_request(request, request.model, PLAIN)
    again = DIALECT.chat.read_request(written.body)
    assert compact(again) == compact(request)
    assert written.notes == ()
    assert DIALECT.chat.write_request(again, request.model, PLAIN).body == written.body


def compact(value: Any) -> Any:
    """A struct as JSON: `extra` objects that were taken apart and put together again differ in spaces only."""
    return json.loads(msgspec.json.encode(value))


@given(
    parts=st.lists(TEXTS | CALLS | THOUGHTS | FOREIGN, max_size=4).map(tuple),
    counts=st.lists(st.integers(0, 10**9), min_size=6, max_size=6),
    known=st.booleans(),
    extra=EXTRA,
)
def test_answer_round_trip(parts: Any, counts: list[int], known: bool, extra: Extra) -> None:
    """Reading what was written gives the same answer: parts, stop, every bucket and unknown fields."""
    read, five, hour, given_in, out, thought = counts
    usage = Usage(
        input=given_in,
        cache_read=read,
        cache_write_5m=five,
        cache_write_1h=hour,
        output=out,
        reasoning=thought if known else 0,
        reasoning_known=known,
    )
    ids = [part.id for part in parts if isinstance(part, ToolCallPart)]
    choice = Choice(index=0, parts=parts, stop="stop", raw_stop="end_turn")
    reply = ChatReply(id="i", model="m", choices=(choice,), usage=usage, dialect=NAME, extra=extra)
    written = DIALECT.chat.write_reply(reply)
    again = DIALECT.chat.read_reply(written.body)
    if len(ids) == len(set(ids)):
        assert compact(again) == compact(reply)
        assert written.notes == ()
    assert DIALECT.passing.usage_of(written.body) == usage
