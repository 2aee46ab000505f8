"""Whole answers of the Messages API, read and written.

The unknown members of `usage` (server tool use, region, ...) ride in the reply's `extra` under `usage`. An answer of
another dialect is written as the API would have said it: one answer, tool arguments as objects, a refusal as text
with `stop_reason` "refusal", and counts that nobody reported as null.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from asbru.core.chat import (
    Choice,
    Extra,
    ForeignPart,
    Part,
    Raw,
    RedactedThinkingPart,
    RefusalPart,
    StopReason,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.errors import UpstreamError
from asbru.core.reply import ChatReply
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages.block_writer import (
    Block,
    write_block,
    write_foreign,
    write_text,
    write_tool_use,
)
from asbru.dialects.anthropic_messages.blocks import CARRIER, CARRIER_SPELLING, read_content
from asbru.dialects.anthropic_messages.plain import read_plain_reply
from asbru.dialects.anthropic_messages.types import (
    NAME,
    REFUSE_REPLY,
    STOP_READ,
    STOP_WRITE,
    decode_members,
    decode_text,
    encode,
)
from asbru.dialects.anthropic_messages.usage import (
    read_usage,
    read_usage_extra,
    usage_extra_raw,
    without_compaction,
    write_usage,
)
from asbru.dialects.contract import WrittenReply
from asbru.dialects.fields import DECODE_ERRORS, Fields, open_body
from asbru.dialects.receipt import Receipt

_ID = "msg_"
_ID_CHARS_MAX = 64
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
_TIERS = {"default": "standard", "standard": "standard", "priority": "priority", "batch": "batch"}


def read_reply(body: bytes) -> ChatReply:
    """The whole answer; `UpstreamError` (protocol) when it is not one, (fault) when it is an error inside a 200."""
    plain = read_plain_reply(body)
    if plain is not None:
        return plain
    fields = open_body(body, REFUSE_REPLY)
    if fields.peek_text("type") == "error":
        raise _fault(fields, body)
    return _read(fields)


def _fault(fields: Fields, body: bytes) -> UpstreamError:
    inner = fields.need_child("error")
    message = inner.text("message") or "the provider reported an error"
    return UpstreamError(message, kind="fault", type=inner.text("type"), body=body, dialect=NAME)


def _read(fields: Fields) -> ChatReply:
    fields.raw("type")
    fields.raw("role")
    parts, _ = read_content(fields, "content")
    raw_stop = fields.text("stop_reason")
    choice = Choice(
        index=0,
        parts=parts,
        stop=None if raw_stop is None else STOP_READ.get(raw_stop, "other"),
        raw_stop=raw_stop,
        stop_sequence=fields.text("stop_sequence"),
    )
    usage = fields.raw("usage")
    tier, extra = read_tier(read_usage_extra(usage))
    return ChatReply(
        id=fields.text("id") or "",
        model=fields.text("model") or "",
        choices=(choice,),
        usage=read_usage(usage),
        service_tier=tier,
        dialect=NAME,
        extra={**fields.rest_set(), **usage_extra_raw(extra)},  # the API spells many absent things out as null
    )


def read_tier(extra: Extra) -> tuple[str | None, Extra]:
    """The service tier that the usage object tells, and the other members."""
    fields = Fields(dict(extra), "usage", REFUSE_REPLY)
    tier = fields.peek_text("service_tier")
    fields.raw("service_tier")
    return tier, fields.rest_set()


def write_reply(reply: ChatReply) -> WrittenReply:
    """The answer's body, with the receipt."""
    receipt = Receipt(NAME, reply.dialect)
    for n in range(1, len(reply.choices)):
        receipt.dropped(f"choices[{n}]", "one answer only")
    choice = reply.choices[0] if reply.choices else Choice(index=0, parts=(), stop=None)
    if choice.logprobs is not None:
        receipt.dropped("choices[0].logprobs", "no equivalent")
    content = write_reply_blocks(choice.parts, receipt)
    body: dict[str, Any] = {
        "id": write_reply_id(reply.id, receipt),
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": content,
        "stop_reason": write_stop(choice, receipt),
        "stop_sequence": choice.stop_sequence,
    }
    extra, more = receipt.riding("", reply.extra), receipt.riding("choices[0]", choice.extra)
    for name, raw in (*extra.items(), *more.items()):
        body.setdefault(name, raw)
    body["usage"] = write_full_usage(reply.usage, reply.service_tier, (extra, more), receipt)
    return WrittenReply(encode(body), receipt.notes)


def write_reply_id(reply_id: str, receipt: Receipt) -> str:
    """An id in the form of this API, in which the provider's own can be found again."""
    if receipt.native or reply_id.startswith(_ID):
        return reply_id
    return _ID + _NOT_IN_IDS.sub("_", reply_id)[:_ID_CHARS_MAX]


def write_full_usage(
    usage: Usage | None, tier: str | None, extras: Sequence[Extra], receipt: Receipt
) -> dict[str, Any]:
    """Counts, tier and the unknown members kept under `usage`: a stream tells some at its start, some at its end."""
    members: Extra = {}
    for inner in [extra["usage"] for extra in extras if "usage" in extra]:
        try:
            members.update(decode_members(inner))
        except DECODE_ERRORS:
            receipt.dropped("usage", "not an object")
    written = write_usage(without_compaction(usage, members))
    if usage is not None:
        for name in ("audio_input", "audio_output"):
            if getattr(usage, name):
                receipt.changed(f"usage.{name}", "counted with the other tokens")
    if tier is not None:
        word = tier if receipt.native else _TIERS.get(tier)
        if word is None:
            receipt.dropped("service_tier", "no equivalent")
        else:
            written["service_tier"] = word
    return written | members


def write_stop(choice: Choice, receipt: Receipt) -> str | None:
    """`stop_reason` of a whole choice."""
    calls = any(isinstance(part, ToolCallPart) for part in choice.parts)
    refused = any(isinstance(part, RefusalPart) for part in choice.parts)
    return write_stop_word(choice.stop, choice.raw_stop, (calls, refused), receipt)


def write_stop_word(
    stop: StopReason | None, raw_stop: str | None, seen: tuple[bool, bool], receipt: Receipt
) -> str | None:
    """`stop_reason`; `seen` tells whether the answer held tool calls, and whether it held a refusal.

    Clients of this API act on the word: they run tools only on "tool_use", and must find some then. Providers of
    other dialects are not always that exact.
    """
    if stop is None:
        return None
    if receipt.native:
        return raw_stop if raw_stop is not None else STOP_WRITE[stop]
    calls, refused = seen
    if stop == "other":
        receipt.changed("choices[0].stop", f"{(raw_stop or 'unknown')[:40]} became end_turn")
    if calls and stop in ("stop", "other"):
        return "tool_use"
    if refused and stop in ("stop", "other"):
        return "refusal"
    if stop == "tool_calls" and not calls:
        return "end_turn"
    return STOP_WRITE[stop]


def write_reply_blocks(parts: Sequence[Part], receipt: Receipt) -> list[Block]:
    """The content of an answer; call ids are made unique."""
    blocks: list[Block] = []
    ids: set[str] = set()
    for n, part in enumerate(parts):
        block = _write_reply_block(part, f"choices[0].parts[{n}]", receipt)
        if block is None:
            continue
        if isinstance(part, ToolCallPart) and isinstance(block, dict):
            block["id"] = unique_id(block["id"] if part.id else "", ids, receipt)
        blocks.append(block)
    return blocks


def unique_id(call_id: str, ids: set[str], receipt: Receipt) -> str:
    """A call id that this answer has not used yet; some providers leave it empty or repeat it."""
    found = call_id
    while not found or found in ids:
        found = f"{call_id or 'toolu'}_{len(ids) + 1}" if found == call_id else f"{found}_"
    if found != call_id:
        receipt.changed(f"tool_calls[{len(ids)}].id", "was empty or used twice")
    ids.add(found)
    return found


def _write_reply_block(part: Part, path: str, receipt: Receipt) -> Block | None:
    match part:
        case TextPart():
            return write_text(part, path, receipt) if part.text or receipt.native else None
        case ThinkingPart():
            extra = receipt.riding_thought(path, part.extra)
            return {"type": "thinking", "thinking": part.text, "signature": forwarded(part), **extra}
        case RedactedThinkingPart():
            data = carry(part.data, part.dialect)
            return {"type": "redacted_thinking", "data": data, **receipt.riding_thought(path, part.extra)}
        case ToolCallPart():
            return write_tool_use(part, path, receipt, answer=True)
        case ForeignPart():
            return write_foreign(part, path, receipt)
        case _:
            return write_block(part, path, receipt)


def forwarded(part: ThinkingPart) -> str:
    """The signature of a thinking part for callers of this dialect, "" where there is none. Thinking that another
    dialect does not sign is marked as that dialect's, so that it goes back to it and to nobody else."""
    if part.signature or part.dialect in (None, NAME):
        return carry(part.signature or "", part.dialect)
    member = _spelling(part.extra.get("member") or part.extra.get("type"))
    return f"{CARRIER}{part.dialect}{member}:"


def _spelling(raw: Raw | None) -> str:
    try:
        word = "" if raw is None else decode_text(raw)
    except DECODE_ERRORS:
        return ""
    return f"{CARRIER_SPELLING}{word}" if word.replace(".", "_").isidentifier() else ""


def carry(signature: str, dialect: str | None) -> str:
    """A signature with the name of the dialect whose provider made it, unless it is ours."""
    return signature if not signature or dialect in (None, NAME) else f"{CARRIER}{dialect}:{signature}"
