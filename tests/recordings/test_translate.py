"""The checks of translation and cuts find planted defects: dialects that lose something, on made-up rows."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import msgspec
from tests.recordings import checks, cuts, translate
from tests.recordings.corpus import ANTHROPIC, OPENAI, Row

from asbru.core.reply import PartDelta, ReplyEnd
from asbru.dialects.contract import TailFacts, Written

REQUEST: dict[str, Any] = {
    "model": "m",
    "max_tokens": 64,
    "temperature": 0.5,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"at": "Oslo"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ],
    "tools": [
        {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    ],
    "seed": 7,
    "stream": True,
}


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """One chunk of an OpenAI stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


STREAM = (
    chunk({"role": "assistant", "content": ""})
    + chunk({"content": "hel"})
    + chunk({"content": "lo"})
    + chunk({}, "stop")
    + b"data: [DONE]\n\n"
)


def row() -> Row:
    """A made-up row: a tool conversation, a streamed answer."""
    return Row(
        id="r1",
        provider="p",
        dialect=OPENAI,
        feature="text",
        shape="stream",
        status=200,
        content_type="text/event-stream",
        answer=STREAM,
        exact=True,
        request=REQUEST,
        request_text="",
    )


def with_anthropic(**changes: Any) -> dict[str, Any]:
    """Both dialects, the translation of the Anthropic one changed."""
    dialects = checks.load_dialects()
    return {**dialects, ANTHROPIC: with_chat(dialects[ANTHROPIC], **changes)}


def with_chat(dialect: Any, **changes: Any) -> Any:
    """The dialect, the translation of its chat changed."""
    chat, *others = dialect.operations
    changed = msgspec.structs.replace(chat, codec=msgspec.structs.replace(chat.codec, **changes))
    return msgspec.structs.replace(dialect, operations=(changed, *others))


def test_sound_dialects_pass() -> None:
    """The made-up row passes every check that needs no gateway."""
    assert checks.sans_io(row(), checks.load_dialects()) == []


def test_a_lost_tool_is_found() -> None:
    """A writer that forgets the tools fails the row, note or no note."""
    whole = checks.load_dialects()[ANTHROPIC].chat.write_request

    def forgets(request: Any, model: str, traits: Any) -> Written:
        return whole(msgspec.structs.replace(request, tools=None), model, traits)

    reasons = translate.check_request(row(), with_anthropic(write_request=forgets))
    assert any("tools changed" in reason for reason in reasons)


def test_a_silent_loss_is_found() -> None:
    """What Anthropic cannot express may go, but not without a note."""
    whole = checks.load_dialects()[ANTHROPIC].chat.write_request

    def silent(request: Any, model: str, traits: Any) -> Written:
        return Written(whole(request, model, traits).body)

    reasons = translate.check_request(row(), with_anthropic(write_request=silent))
    assert any("seed lost without a note" in reason for reason in reasons)


def test_a_changed_argument_is_found() -> None:
    """Tool arguments are compared as values."""
    whole = checks.load_dialects()[ANTHROPIC].chat.write_request

    def garbles(request: Any, model: str, traits: Any) -> Written:
        written = whole(request, model, traits)
        return Written(written.body.replace(b"Oslo", b"Rome"), written.notes)

    reasons = translate.check_request(row(), with_anthropic(write_request=garbles))
    assert any("messages changed" in reason for reason in reasons)


def test_an_early_end_is_found() -> None:
    """A tail that calls every stream complete, and a reader that ends a cut stream, are found."""
    dialect = checks.load_dialects()[OPENAI]
    passing = msgspec.structs.replace(dialect.passing, tail=lambda _, choices=1: TailFacts(usage=None, complete=True))
    eager = msgspec.structs.replace(dialect, passing=passing)
    assert any("tail says complete" in reason for reason in cuts.check(row(), eager))

    class Ends:
        """A reader that always says it was complete."""

        def __init__(self) -> None:
            self.inner = dialect.chat.stream_reader()

        def feed(self, data: bytes) -> list[Any]:
            return self.inner.feed(data)

        def close(self, *, clean: bool = True) -> list[Any]:
            return [*self.inner.close(clean=clean), ReplyEnd()]

    ends = with_chat(dialect, stream_reader=Ends)
    assert any("ReplyEnd" in reason for reason in cuts.check(row(), ends))


LOGPROBS = {"content": [{"token": "rain", "logprob": -0.1, "bytes": None, "top_logprobs": []}], "refusal": None}


def whole_row() -> Row:
    """A whole answer with logprobs."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "rain"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m-1", "usage": usage}
    answer = json.dumps({**head, "choices": [choice | {"logprobs": LOGPROBS}]}).encode()
    return dataclasses.replace(row(), shape="json", answer=answer, content_type="application/json")


def test_lost_logprobs_and_names_are_found() -> None:
    """Logprobs and the model's name that a reader loses are found, whole and streamed; sound dialects keep both."""
    dialects = checks.load_dialects()
    home = dialects[OPENAI]
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    delta = {"index": 0, "delta": {"role": "assistant", "content": "rain"}, "logprobs": LOGPROBS}
    first = b"data: " + json.dumps({**data, "choices": [delta]}).encode() + b"\n\n"
    stream = first + chunk({}, "stop") + b"data: [DONE]\n\n"
    streamed = dataclasses.replace(row(), answer=stream.replace(b'"model": "m"', b'"model": "m-1"'))
    for sound in (whole_row(), streamed):
        assert translate.check_answer(sound, dialects) == []

    def losing(body: bytes) -> Any:
        reply = home.chat.read_reply(body)
        choices = tuple(msgspec.structs.replace(choice, logprobs=None) for choice in reply.choices)
        return msgspec.structs.replace(reply, choices=choices, model="x")

    found = translate.check_answer(whole_row(), {**dialects, OPENAI: with_chat(home, read_reply=losing)})
    assert any("model" in reason for reason in found) and any("logprobs" in reason for reason in found)

    class Losing:
        """A reader of streams that drops logprobs."""

        def __init__(self) -> None:
            self.inner = home.chat.stream_reader()

        def feed(self, data: bytes) -> list[Any]:
            return [self.without(event) for event in self.inner.feed(data)]

        def close(self) -> list[Any]:
            return self.inner.close()

        def without(self, event: Any) -> Any:
            return msgspec.structs.replace(event, logprobs=None) if isinstance(event, PartDelta) else event

    found = translate.check_answer(streamed, {**dialects, OPENAI: with_chat(home, stream_reader=Losing)})
    assert any("logprobs" in reason for reason in found), found
