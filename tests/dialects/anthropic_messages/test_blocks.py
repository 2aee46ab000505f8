"""Thinking of chat providers on its way through callers of this dialect: marked when told, known when it returns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import Choice, Part, Raw, ThinkingPart
from asbru.core.reply import ChatReply, PartDelta, PartStart, PartStop, ReplyEnd, ReplyStart, StreamEvent
from asbru.core.traits import PLAIN
from asbru.dialects.anthropic_messages import DIALECT
from asbru.dialects.assemble import assemble

MEMBERS = [(None, "asbru:openai_chat:"), ("reasoning", "asbru:openai_chat;reasoning:")]


def thought(member: str | None, text: str = "hm") -> ThinkingPart:
    """Thinking as the chat dialect reads it."""
    extra = {} if member is None else {"member": Raw(json.dumps(member).encode())}
    return ThinkingPart(text=text, dialect="openai_chat", extra=extra)


def told(part: Part) -> Any:
    """The first block of an answer that holds the part."""
    choice = Choice(index=0, parts=(part,), stop="stop")
    reply = ChatReply(id="r", model="m", dialect="openai_chat", choices=(choice,))
    return json.loads(DIALECT.chat.write_reply(reply).body)["content"][0]


def streamed(part: ThinkingPart) -> bytes:
    """The same answer as a stream."""
    events: list[StreamEvent] = [ReplyStart(id="r", model="m", dialect="openai_chat"), PartStart(index=0, part=part)]
    events += [PartDelta(index=0, text="hm"), PartStop(index=0), ReplyEnd()]
    return DIALECT.chat.stream_writer(DIALECT.chat.read_request(ask([]))).write(events)


def ask(content: Any, **more: Any) -> bytes:
    """A conversation that holds an assistant's turn."""
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": content}]
    return json.dumps({"model": "m", "max_tokens": 9, "messages": turns, **more}).encode()


@pytest.mark.parametrize(("member", "mark"), MEMBERS)
def test_unsigned_thinking_is_marked_with_its_dialect(member: str | None, mark: str) -> None:
    """The mark stands where a signature would, in whole answers and in streams, and is read back as it was."""
    block = told(thought(member))
    assert block == {"type": "thinking", "thinking": "hm", "signature": mark}
    reader = DIALECT.chat.stream_reader()
    reply = assemble(reader.feed(streamed(thought(member, ""))) + reader.close()).reply
    assert told(reply.choices[0].parts[0])["signature"] == mark
    for again in (block, {**block, "x": 1}):
        part = DIALECT.chat.read_request(ask([again])).messages[1].parts[0]
        assert isinstance(part, ThinkingPart)
        assert (part.text, part.signature, part.dialect) == ("hm", None, "openai_chat")
        assert part.extra.get("member") == thought(member).extra.get("member")


@pytest.mark.parametrize("signature", ["asbru:openai_chat:", "asbru:gemini:s", "", None])
def test_thinking_without_our_signature_is_not_sent(signature: str | None) -> None:
    """The API refuses a request with a block that it has not signed: it is left out, and noted."""
    block = {"type": "thinking", "thinking": "hm", "signature": signature}
    request = DIALECT.chat.read_request(ask([block, {"type": "text", "text": "a"}]))
    written = DIALECT.chat.write_request(request, "m", PLAIN)
    assert json.loads(written.body)["messages"][1]["content"] == [{"type": "text", "text": "a"}]
    assert [note.field for note in written.notes] == ["messages[1].parts[0]"]


def test_a_spelling_that_could_be_misread_is_left_out() -> None:
    """What a provider wrote for a type never becomes a part of the mark that is read as something else."""
    for raw in (b"1", b'"a:b"', b'"\\ud800"'):
        part = ThinkingPart(text="hm", dialect="openai_chat", extra={"type": Raw(raw)})
        assert told(part)["signature"] == "asbru:openai_chat:"
