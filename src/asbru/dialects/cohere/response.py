"""A whole reply of Cohere's chat, read into the canonical form and written from it.

A reply tells no model and no time. For callers the model is told all the same, since it is known.
"""

from __future__ import annotations

from typing import Any

from asbru.core.chat import Choice, Extra, Raw, StopReason, ToolCallPart
from asbru.core.reply import ChatReply
from asbru.core.usage import Usage
from asbru.dialects.cohere.errors import error_inside
from asbru.dialects.cohere.messages import read_assistant, write_assistant
from asbru.dialects.cohere.types import NAME, REFUSE_REPLY, STOP_READ, STOP_WRITE, USAGE, decode_members, encode
from asbru.dialects.cohere.usage import read_usage, read_usage_extra, write_usage
from asbru.dialects.contract import WrittenReply
from asbru.dialects.fields import open_body
from asbru.dialects.receipt import Receipt

_MESSAGE = "message"


def read_reply(body: bytes) -> ChatReply:
    """The reply; `UpstreamError` of kind "fault" for an error inside a 200, "protocol" for anything else."""
    fault = error_inside(body)
    if fault is not None:
        raise fault
    fields = open_body(body, REFUSE_REPLY)
    message = fields.need_child(_MESSAGE)
    message.raw("role")
    parts, _, left = read_assistant(message)
    word = fields.text("finish_reason")
    usage = fields.raw("usage")
    reply_id, model = fields.text("id") or "", fields.text("model") or ""
    extra: Extra = {_MESSAGE: Raw(encode(left))} if left else {}
    logprobs = fields.raw("logprobs")
    if logprobs is not None:
        extra["logprobs"] = logprobs
    choice = Choice(
        index=0,
        parts=parts,
        stop=read_stop(word, any(isinstance(part, ToolCallPart) for part in parts)),
        raw_stop=word,
        extra={**extra, **read_usage_extra(usage)},
    )
    return ChatReply(
        id=reply_id,
        model=model,
        choices=(choice,),
        usage=read_usage(usage),
        dialect=NAME,
        extra=fields.rest_set(),
    )


def read_stop(word: str | None, has_calls: bool) -> StopReason:
    """Why a reply finished."""
    stop: StopReason = STOP_READ.get(word, "other") if word else "stop"
    return "tool_calls" if stop == "stop" and has_calls else stop


def write_stop(stop: StopReason | None, raw_stop: str | None, receipt: Receipt) -> str:
    """The `finish_reason`; what Cohere has no word for is noted."""
    if stop is None:
        return "COMPLETE"
    if receipt.native and stop == "other" and raw_stop:
        return raw_stop
    if stop in ("refusal", "other") and not receipt.native:
        receipt.changed("choices[0].stop", f"{stop} has no equivalent")
    return STOP_WRITE[stop]


def write_reply(reply: ChatReply) -> WrittenReply:
    """The body for a caller of this dialect."""
    receipt = Receipt(NAME, reply.dialect)
    choice = reply.choices[0] if reply.choices else Choice(index=0, parts=(), stop=None)
    for other in reply.choices[1:]:
        receipt.dropped(f"choices[{other.index}]", "one answer only")
    path = "choices[0]"
    members = write_assistant(choice.parts, path, receipt, plain=False, thinks=True, answer=True)
    note_choice(choice.logprobs, choice.stop_sequence, receipt)
    extra = receipt.riding(path, choice.extra)
    if _MESSAGE in extra:
        members |= decode_members(extra[_MESSAGE])
    if reply.service_tier is not None:
        receipt.dropped("service_tier", "no equivalent")
    body: dict[str, Any] = {
        "id": reply.id,
        **({"model": reply.model} if reply.model else {}),
        "finish_reason": write_stop(choice.stop, choice.raw_stop, receipt),
        _MESSAGE: {"role": "assistant", **members},
        **usage_member(reply.usage, extra, receipt),
    }
    if "logprobs" in extra:
        body["logprobs"] = extra["logprobs"]
    body = {**receipt.riding("", reply.extra), **body}
    return WrittenReply(encode(body), receipt.notes)


def note_choice(logprobs: Raw | None, stop_sequence: str | None, receipt: Receipt) -> None:
    """Note what a choice of another dialect tells that there is no place for."""
    if logprobs is not None:
        receipt.dropped("choices[0].logprobs", "Cohere has another form of them")
    if stop_sequence is not None:
        receipt.dropped("choices[0].stop_sequence", "Cohere does not tell which one matched")


def usage_member(usage: Usage | None, extra: Extra, receipt: Receipt) -> dict[str, Any]:
    """The `usage` member, where there is anything to tell."""
    if usage is not None:
        return {"usage": write_usage(usage, extra, receipt)}
    return {"usage": extra[USAGE]} if USAGE in extra else {}
