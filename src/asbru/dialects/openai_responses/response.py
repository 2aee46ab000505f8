"""A whole response, read into the canonical reply and written from one.

What a response repeats of its request (`tools`, `instructions`, `temperature` ...) is no fact about the reply: it is
left out when it is read, and written with neutral values, because SDKs expect the members.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from asbru.core.chat import Choice, Extra, Part, Raw, StopReason, TextPart, ToolCallPart
from asbru.core.reply import ChatReply, ReplyStart
from asbru.dialects.contract import WrittenReply
from asbru.dialects.fields import DECODE_ERRORS, Fields, open_body
from asbru.dialects.openai_responses.errors import error_inside
from asbru.dialects.openai_responses.item_writer import Said
from asbru.dialects.openai_responses.items import BEGINS, mark_first, read_said
from asbru.dialects.openai_responses.parts import Written, read_part
from asbru.dialects.openai_responses.types import (
    INCOMPLETE_READ,
    INCOMPLETE_WRITE,
    ITEM,
    NAME,
    REFUSE_REPLY,
    decode_members,
    encode,
    take_message,
)
from asbru.dialects.openai_responses.usage import has_fees, read_usage, write_usage
from asbru.dialects.receipt import Receipt

LOGPROBS: Final = "logprobs"
_ID: Final = "resp_"
_ID_CHARS_MAX: Final = 64
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
_ECHOED: Final = frozenset((
    "object", "error", "instructions", "max_output_tokens", "max_tool_calls", "parallel_tool_calls",
    "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention", "reasoning", "safety_identifier",
    "store", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user", "metadata",
    "background", "completed_at", "output_text", "frequency_penalty", "presence_penalty", "billing", "conversation",
    "content_filters", "include", "moderation",
))  # fmt: skip
"""Members that repeat the request, or say how it was carried out."""
NEUTRAL: Final[dict[str, Any]] = {
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
}
"""What SDKs expect a response to repeat."""
_items = msgspec.json.Decoder(list[Raw]).decode


def read_reply(body: bytes) -> ChatReply:
    """The reply; `UpstreamError` of kind "fault" for one that failed, "protocol" for anything else."""
    failed = error_inside(body)
    if failed is not None:
        raise failed
    fields = open_body(body, REFUSE_REPLY)
    items = fields.items("output")
    if items is None:
        raise fields.wrong("output", "expected an array, got nothing")
    parts, logprobs = read_output([fields.as_object(item, f"output[{at}]") for at, item in enumerate(items)], items)
    stop, word = read_stop(fields, parts)
    start = read_start(fields)
    return ChatReply(
        id=start.id,
        model=start.model,
        choices=(Choice(index=0, parts=parts, stop=stop, raw_stop=word, logprobs=logprobs),),
        usage=read_usage(fields.raw("usage"), start.service_tier, fees=has_fees(body)),
        created_s=start.created_s,
        service_tier=start.service_tier,
        dialect=NAME,
        extra=without_echo(fields),
    )


class Start(msgspec.Struct, frozen=True):
    """Who replies."""

    id: str
    model: str
    created_s: int | None
    service_tier: str | None


def read_start(fields: Fields) -> Start:
    """What a response says of itself, whole or at the start of a stream."""
    tier = fields.text("service_tier")
    return Start(
        id=fields.text("id") or "",
        model=fields.text("model") or "",
        created_s=_read_created(fields),
        service_tier=None if tier == "auto" else tier,  # what was asked for, not what was served
    )


def _read_created(fields: Fields) -> int | None:
    raw = bytes(fields.raw("created_at") or b"")
    try:
        return int(float(raw))
    except (ValueError, OverflowError):
        return None


def without_echo(fields: Fields) -> Extra:
    """The unknown members."""
    return {name: raw for name, raw in fields.rest_set().items() if name not in _ECHOED}


def read_stop(response: Fields, parts: Sequence[Part]) -> tuple[StopReason | None, str | None]:
    """Why a response ended, and the provider's word for it."""
    status = response.text("status")
    details = response.child("incomplete_details")
    reason = None if details is None else details.text("reason")
    if status == "incomplete":
        return INCOMPLETE_READ.get(reason or "", "other"), reason or status
    if status not in (None, "completed"):
        return "other", status
    return ("tool_calls" if any(isinstance(part, ToolCallPart) for part in parts) else "stop"), status


def read_output(items: Sequence[Fields], raws: Sequence[Raw]) -> tuple[tuple[Part, ...], Raw | None]:
    """The parts of an answer, and the log probabilities of its tokens."""
    parts: list[Part] = []
    logprobs: list[Raw] = []
    said = False  # the item before was a message
    for item, raw in zip(items, raws, strict=True):
        kind = item.text("type") or "message"
        if kind != "message":
            parts.append(read_said(item, kind, raw))
            said = False
            continue
        found = _read_message(item, logprobs)
        if said and found and isinstance(found[0], TextPart) and ITEM not in found[0].extra:
            found = mark_first(found, BEGINS)
        parts += found
        said = True
    return tuple(parts), Raw(encode({"content": logprobs})) if logprobs else None


def _read_message(item: Fields, logprobs: list[Raw]) -> tuple[Part, ...]:
    contents = item.items("content") or []
    marks = take_message(item)
    found: list[Part] = []
    for at, raw in enumerate(contents):
        content = item.as_object(raw, f"content[{at}]")
        logprobs += read_logprobs(content.raw(LOGPROBS))
        found.append(read_part(content, raw))
    return mark_first(tuple(found), marks)


def read_logprobs(raw: Raw | None) -> list[Raw]:
    """The log probabilities beside a text."""
    if raw is None:
        return []
    try:
        return _items(raw)
    except DECODE_ERRORS:
        return []


def write_reply(reply: ChatReply) -> WrittenReply:
    """The body for a caller of this dialect."""
    receipt = Receipt(NAME, reply.dialect)
    for n in range(1, len(reply.choices)):
        receipt.dropped(f"choices[{n}]", "one answer only")
    choice = reply.choices[0] if reply.choices else Choice(index=0, parts=(), stop=None)
    response_id = write_reply_id(reply.id, receipt)
    said = Said("choices[0]", receipt, answer=True, extra={})
    for at, part in enumerate(choice.parts):
        said.add(part, at)
    output = [complete_item(item, response_id, at) for at, item in enumerate(said.items)]
    _put_logprobs(output, choice, receipt)
    body = write_start(reply, receipt)
    body |= write_end(choice.stop, choice.raw_stop, choice.stop_sequence, receipt)
    body["output"] = output
    body["usage"] = None if reply.usage is None else write_usage(reply.usage, receipt)
    for name, raw in receipt.riding("", reply.extra).items():
        body.setdefault(name, raw)
    if choice.extra:
        receipt.riding("choices[0]", choice.extra)
    return WrittenReply(encode(body), receipt.notes)


def write_start(start: ChatReply | ReplyStart, receipt: Receipt) -> dict[str, Any]:
    """The members that a response has from its start."""
    body: dict[str, Any] = {
        "id": write_reply_id(start.id, receipt),
        "object": "response",
        "created_at": start.created_s or 0,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": start.model,
        "output": [],
        "usage": None,
        **NEUTRAL,
    }
    if start.service_tier is not None:
        body["service_tier"] = start.service_tier
    return body


def write_end(
    stop: StopReason | None, raw_stop: str | None, sequence: str | None, receipt: Receipt
) -> dict[str, Any]:
    """`status` and why it is incomplete."""
    if sequence is not None:
        receipt.dropped("choices[0].stop_sequence", "it is not told which stop matched")
    if receipt.native and stop == "other":
        known = raw_stop in ("queued", "in_progress", "cancelled")
        return {"status": raw_stop} if known else {"status": "incomplete", "incomplete_details": {"reason": raw_stop}}
    if stop in ("other", "pause"):
        receipt.changed("choices[0].stop", f"{(raw_stop or stop)[:40]} became completed")
    word = INCOMPLETE_WRITE.get(stop) if stop is not None else None
    if word is None:
        return {"status": "completed"}
    return {"status": "incomplete", "incomplete_details": {"reason": word}}


def write_reply_id(reply_id: str, receipt: Receipt) -> str:
    """An id in the form of this API, in which the provider's own can be found again."""
    if receipt.native or reply_id.startswith(_ID):
        return reply_id
    return _ID + _NOT_IN_IDS.sub("_", reply_id)[:_ID_CHARS_MAX]


_ID_BEGINNINGS: Final = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}


def complete_item(item: Written, response_id: str, at: int, status: str = "completed") -> Written:
    """An item of an answer with the id and the status that SDKs expect; one that came as it is stays so."""
    if not isinstance(item, dict):
        return item
    kind = str(item["type"])
    item.setdefault("id", item_id(kind, response_id, at))
    if kind != "reasoning":
        item.setdefault("status", status)
    return item


def item_id(kind: str, response_id: str, at: int) -> str:
    """An id for an item that the provider gave none: the same for the same place in the same answer."""
    return f"{_ID_BEGINNINGS.get(kind, 'item')}_{response_id.removeprefix(_ID)}_{at}"


def tokens_of(logprobs: Raw, path: str, receipt: Receipt) -> Raw | None:
    """The list of tokens in log probabilities as chat tells them; None where there is none."""
    try:
        members = decode_members(logprobs)
    except DECODE_ERRORS:
        return None
    if len(members) > 1:
        receipt.changed(path, "those of the text only")
    return members.get("content")


def _put_logprobs(output: list[Written], choice: Choice, receipt: Receipt) -> None:
    """The log probabilities beside the first text, of which an answer of this kind has one."""
    if choice.logprobs is None:
        return
    content = tokens_of(choice.logprobs, "choices[0].logprobs", receipt)
    for item in output:
        if content is not None and isinstance(item, dict) and item["type"] == "message":
            text = item["content"][0]
            if text["type"] == "output_text":
                text[LOGPROBS] = content
                return
    receipt.dropped("choices[0].logprobs", "there is no text to stand beside")
