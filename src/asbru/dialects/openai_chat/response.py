"""A whole chat answer, read into the canonical reply and written from one.

Unknown members of the answer and its choices stay in their `extra`, those of a message under "message" in the
choice's. A call without an id gets one made of the answer's id. Written for callers: thinking as
`reasoning_content`, and where it is signed or encrypted also as `reasoning_details`, which callers send
back. The time is the provider's; where there is none `created` is 0, for no clock ticks down here.
"""

from __future__ import annotations

import re

import msgspec

from asbru.core.chat import (
    AudioPart,
    Choice,
    Extra,
    ForeignPart,
    Part,
    Raw,
    RedactedThinkingPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.errors import UpstreamError
from asbru.core.reply import ChatReply
from asbru.core.traits import Traits
from asbru.dialects.contract import WrittenReply
from asbru.dialects.fields import NULL, Fields, open_body
from asbru.dialects.openai_chat.errors import choice_fault
from asbru.dialects.openai_chat.parts import PartWriter, read_content
from asbru.dialects.openai_chat.plain import read_plain_reply
from asbru.dialects.openai_chat.reasoning import (
    Thought,
    is_content,
    is_plain,
    read_reasoning,
    write_detail,
    write_thinking_content,
)
from asbru.dialects.openai_chat.stops import read_stop, write_stop
from asbru.dialects.openai_chat.tools import read_tool_calls, write_call
from asbru.dialects.openai_chat.types import NAME, REFUSE_REPLY
from asbru.dialects.openai_chat.usage import read_usage, write_usage
from asbru.dialects.openai_errors import fault_error, read_fault
from asbru.dialects.receipt import Receipt

_MARKS = Traits(cache_marks=True)
"""What callers take."""
_EMPTY = (b"[]", b"{}", b'""')
"""An unknown member of a message that holds nothing (`annotations: []`) is not worth a note elsewhere."""
_encode = msgspec.json.Encoder().encode
_NOT_ID = re.compile(r"[^a-zA-Z0-9_-]")


def call_id(reply_id: str, choice: int) -> str:
    """The beginning of the ids for calls that came without: the same for the same answer, in letters all
    take."""
    return f"call_{_NOT_ID.sub('', reply_id)[-24:]}_{choice}"


def read_reply(body: bytes) -> ChatReply:
    """The reply; `UpstreamError` of kind "fault" for an error inside a 200, "protocol" for anything else."""
    plain = read_plain_reply(body)
    if plain is not None:
        return plain
    fields = open_body(body, REFUSE_REPLY)
    if "error" in fields and "choices" not in fields:
        fault = read_fault(body)
        raise UpstreamError(
            fault.message,
            kind="fault",
            status=fault.status,
            code=fault.code,
            type=fault.type,
            body=body,
            dialect=NAME,
        )
    choices = fields.children("choices")
    if choices is None:
        raise fields.wrong("choices", "expected an array, got nothing")
    reply_id = fields.text("id") or ""
    fields.raw("object")
    tier = fields.text("service_tier") or None
    usage = read_usage(fields.raw("usage"), tier)
    created = read_created(fields)
    return ChatReply(
        id=reply_id,
        model=fields.text("model") or "",
        choices=tuple(_read_choice(choice, at, reply_id) for at, choice in enumerate(choices)),
        usage=usage,
        created_s=created,
        service_tier=tier,
        dialect=NAME,
        extra=fields.rest_set(),
    )


def read_created(fields: Fields) -> int | None:
    """`created`, which Writer tells as a string; what is no time at all is not worth refusing an answer for."""
    raw = bytes(fields.raw("created") or b"").strip(b'"')
    try:
        return int(float(raw))
    except (ValueError, OverflowError):
        return None


def _read_choice(choice: Fields, at: int, reply_id: str) -> Choice:
    index = choice.integer("index")
    index = at if index is None else index
    word = choice.text("finish_reason")
    fault = choice_fault(choice.peek("error") or NULL, word)
    if fault is not None:
        raise fault_error(fault)
    message = choice.child("message") or Fields({}, choice.at("message"), REFUSE_REPLY)
    message.raw("role")
    parts, extra = _read_message(message, call_id(reply_id, index))
    has_calls = any(isinstance(part, ToolCallPart) for part in parts)
    logprobs = choice.raw("logprobs")
    left = choice.rest_set()
    if extra:
        left["message"] = Raw(msgspec.json.encode(extra))
    return Choice(
        index=index,
        parts=parts,
        stop=read_stop(word, has_calls),
        raw_stop=word,
        logprobs=logprobs,
        extra=left,
    )


def _read_message(message: Fields, fallback_id: str) -> tuple[tuple[Part, ...], Extra]:
    parts: list[Part] = list(read_reasoning(message))
    content, _ = read_content(message)
    calls = read_tool_calls(message, fallback_id)
    refusal = message.text("refusal")
    for part in content:  # an empty text beside something else says nothing
        if part != TextPart(text="") or not (calls or refusal or parts):
            parts.append(part)
    if refusal:
        parts.append(RefusalPart(text=refusal))
    audio = message.child("audio")
    if audio is not None:
        data, transcript, audio_id = audio.text("data"), audio.text("transcript"), audio.text("id")
        if data or transcript or audio_id:  # Snowflake sends one of empty strings
            parts.append(AudioPart(data=data, id=audio_id, transcript=transcript, extra=audio.rest_set()))
    left = {name: raw for name, raw in message.rest_set().items() if bytes(raw) not in _EMPTY}
    return (*parts, *calls), left


def write_reply(reply: ChatReply) -> WrittenReply:
    """The body for a caller of this dialect."""
    receipt = Receipt(NAME, reply.dialect)
    writer = PartWriter(receipt, _MARKS)
    body: dict[str, object] = {
        "id": reply.id,
        "object": "chat.completion",
        "created": reply.created_s or 0,
        "model": reply.model,
        "choices": [_write_choice(choice, writer) for choice in reply.choices],
    }
    if reply.usage is not None:
        body["usage"] = write_usage(reply.usage, receipt)
    if reply.service_tier is not None:
        body["service_tier"] = reply.service_tier
    if reply.extra:
        body = {**receipt.riding("", reply.extra), **body}
    return WrittenReply(_encode(body), receipt.notes)


def _write_choice(choice: Choice, writer: PartWriter) -> dict[str, object]:
    text = _sole_text(choice)
    receipt = writer.receipt
    written: dict[str, object] = {
        "index": choice.index,
        "message": _write_message(choice, writer)
        if text is None
        else {"role": "assistant", "content": text, "refusal": None},
        "logprobs": choice.logprobs,
        "finish_reason": write_stop(choice.stop, choice.raw_stop, receipt.source),
    }
    if writer.own:
        return {name: raw for name, raw in choice.extra.items() if name != "message"} | written
    if choice.extra:
        receipt.foreign(f"choices[{choice.index}]", choice.extra)
    if choice.stop_sequence is not None:
        receipt.dropped(f"choices[{choice.index}].stop_sequence", "chat does not tell which stop matched")
    if choice.stop == "other":
        receipt.changed(f"choices[{choice.index}].stop", "chat has no such word: see native_finish_reason")
    if choice.raw_stop is not None:
        written["native_finish_reason"] = choice.raw_stop
    return written


def _sole_text(choice: Choice) -> str | None:
    """The text of an answer that is one text and nothing else."""
    if len(choice.parts) != 1 or choice.extra:
        return None
    part = choice.parts[0]
    return part.text if isinstance(part, TextPart) and part.citations is None else None


def _write_message(choice: Choice, writer: PartWriter) -> dict[str, object]:
    """The message. Texts are joined: chat's answers hold one string (a list only where Mistral's did)."""
    thoughts: list[Thought] = []
    content: list[object] = []
    members: dict[str, object] = {}
    calls: list[object] = []
    for at, part in enumerate(choice.parts):
        where = f"choices[{choice.index}].parts[{at}]"
        if isinstance(part, RedactedThinkingPart) or (isinstance(part, ThinkingPart) and not is_content(part)):
            thoughts.append(part)
        elif isinstance(part, RefusalPart):
            members["refusal"] = f"{members.get('refusal', '')}{part.text}"
        elif isinstance(part, ToolCallPart):
            calls.append(write_call(part, where, writer))
        elif isinstance(part, AudioPart):
            members["audio"] = _write_audio(part)
        else:
            content += _write_content(part, where, writer)
    if calls:
        members["tool_calls"] = calls
    message: dict[str, object] = {"role": "assistant", "content": _join(content), "refusal": None}
    message |= write_thoughts(thoughts) | members
    if writer.own and "message" in choice.extra:
        message |= msgspec.json.decode(choice.extra["message"], type=dict[str, Raw])
    return message


def _write_content(part: Part, where: str, writer: PartWriter) -> list[object]:
    """A part as content: a string for text; nothing (noted) for what chat does not answer with."""
    if isinstance(part, TextPart):
        if part.citations is not None:
            writer.receipt.dropped(f"{where}.citations", "chat has no such citations")
        return [part.text]
    if isinstance(part, ThinkingPart):
        return [write_thinking_content(part)]
    if isinstance(part, ForeignPart) and part.dialect == NAME:
        return [part.raw]
    writer.receipt.dropped(where, "chat has no such part in an answer")
    return []


def _join(content: list[object]) -> object:
    texts = [item for item in content if isinstance(item, str)]
    if len(texts) == len(content):
        return "".join(texts) if texts else None
    return [{"type": "text", "text": item} if isinstance(item, str) else item for item in content]


def write_thoughts(thoughts: list[Thought]) -> dict[str, object]:
    """`reasoning_content` for showing; `reasoning_details` too where something must come back unchanged."""
    members: dict[str, object] = {}
    text = "".join(thought.text for thought in thoughts if isinstance(thought, ThinkingPart))
    if text:
        members["reasoning" if "member" in thoughts[0].extra else "reasoning_content"] = text
    if any(isinstance(thought, RedactedThinkingPart) or not is_plain(thought) for thought in thoughts):
        members["reasoning_details"] = [write_detail(thought, at) for at, thought in enumerate(thoughts)]
    return members


def _write_audio(part: AudioPart) -> dict[str, object]:
    known = {"id": part.id, "data": part.data, "transcript": part.transcript}
    return {**part.extra, **{name: value for name, value in known.items() if value is not None}}
