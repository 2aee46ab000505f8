"""A whole reply of the Converse API, read into the canonical reply and written from one.

The reply names neither itself nor its model: both are "" when it is read, and left out when one is written. What the
service adds (latency, traces of guardrails, fields of the model) rides along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from asbru.core.chat import Choice, Extra, Part, Raw, RefusalPart, StopReason, TextPart, ToolCallPart
from asbru.core.reply import ChatReply
from asbru.dialects.aws_errors import error_inside
from asbru.dialects.bedrock_converse.block_writer import Block, Target, write_block
from asbru.dialects.bedrock_converse.blocks import read_blocks
from asbru.dialects.bedrock_converse.types import (
    NAME,
    REFUSE_REPLY,
    STOP_READ,
    STOP_WRITE,
    decode_members,
    encode,
)
from asbru.dialects.bedrock_converse.usage import read_tier, read_usage, read_usage_extra, write_usage
from asbru.dialects.contract import WrittenReply
from asbru.dialects.fields import DECODE_ERRORS, Fields, open_body
from asbru.dialects.receipt import Receipt

EMPTY: Final = Raw(b"{}")
_TIERS: Final = {"default": "default", "standard": "default", "priority": "priority", "flex": "flex"}


def read_reply(body: bytes) -> ChatReply:
    """The reply; `UpstreamError` of kind "fault" for an error in its place, "protocol" for anything else."""
    failed = error_inside(NAME, body)
    if failed is not None:
        raise failed
    fields = open_body(body, REFUSE_REPLY)
    message = fields.need_child("output").need_child("message")
    message.raw("role")
    parts = read_blocks(message.items("content") or (), message, "content")
    raw_stop = fields.text("stopReason")
    stop = None if raw_stop is None else STOP_READ.get(raw_stop, "other")
    usage, tier = fields.raw("usage"), read_tier(fields.peek("serviceTier"))
    if tier is not None:
        fields.raw("serviceTier")
    return ChatReply(
        id="",
        model="",
        choices=(Choice(index=0, parts=parts, stop=stop, raw_stop=raw_stop),),
        usage=read_usage(usage, tier),
        service_tier=tier,
        dialect=NAME,
        extra=read_extra(fields, usage),
    )


def read_extra(fields: Fields, usage: Raw | None) -> Extra:
    """What rides along with a reply: its unknown members, and those of `usage` that are no counts."""
    counted = read_usage_extra(usage)
    members = {name: raw for name, raw in fields.rest_set().items() if raw != EMPTY}
    return {**members, **({"usage": Raw(encode(counted))} if counted else {})}


def write_reply(reply: ChatReply) -> WrittenReply:
    """The reply's body, with the receipt."""
    receipt = Receipt(NAME, reply.dialect)
    for n in range(1, len(reply.choices)):
        receipt.dropped(f"choices[{n}]", "one answer only")
    choice = reply.choices[0] if reply.choices else Choice(index=0, parts=(), stop=None)
    if choice.logprobs is not None:
        receipt.dropped("choices[0].logprobs", "no equivalent")
    content = write_reply_blocks(choice.parts, receipt)
    calls = any(isinstance(part, ToolCallPart) for part in choice.parts)
    refused = any(isinstance(part, RefusalPart) for part in choice.parts)
    body: dict[str, Any] = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": write_stop(choice.stop, choice.raw_stop, (calls, refused), receipt),
    }
    note_stop_sequence(choice.stop_sequence, receipt)
    body |= write_end(reply, choice.extra, receipt)
    return WrittenReply(encode(body), receipt.notes)


def write_end(reply: ChatReply, more: Extra, receipt: Receipt) -> dict[str, Any]:
    """Usage, tier, and what rides along: the end of a reply, or the `metadata` event of a stream."""
    extra = receipt.riding("", reply.extra) | receipt.riding("choices[0]", more)
    written: dict[str, Any] = {name: raw for name, raw in extra.items() if name != "usage"}
    usage: dict[str, Any] = {} if reply.usage is None else write_usage(reply.usage, receipt)
    if "usage" in extra:
        try:
            usage |= decode_members(extra["usage"])
        except DECODE_ERRORS:
            receipt.dropped("usage", "not an object")
    if usage:
        written["usage"] = usage
    written.setdefault("metrics", {})  # SDKs expect the member; the latency is not known
    tier = reply.service_tier
    if tier is not None:
        word = tier if receipt.native else _TIERS.get(tier)
        if word is None:
            receipt.dropped("service_tier", "no equivalent")
        else:
            written["serviceTier"] = {"type": word}
    return written


def note_stop_sequence(sequence: str | None, receipt: Receipt) -> None:
    """Which sequence ended a reply is not told."""
    if sequence is not None:
        receipt.dropped("choices[0].stop_sequence", "no equivalent")


def write_stop(
    stop: StopReason | None, raw_stop: str | None, seen: tuple[bool, bool], receipt: Receipt
) -> str | None:
    """`stopReason`; `seen` tells whether the reply held tool calls, and whether it held a refusal. Clients act on the
    word: they run tools only on "tool_use"."""
    if stop is None:
        return None
    if receipt.native:
        return raw_stop if raw_stop is not None else STOP_WRITE[stop]
    calls, refused = seen
    if stop in ("other", "pause"):
        receipt.changed("choices[0].stop", f"{(raw_stop or stop)[:40]} became end_turn")
    if calls and stop in ("stop", "other"):
        return "tool_use"
    if refused and stop in ("stop", "other"):
        return "content_filtered"
    if stop == "tool_calls" and not calls:
        return "end_turn"
    return STOP_WRITE[stop]


def write_reply_blocks(parts: Sequence[Part], receipt: Receipt) -> list[Block]:
    """The content of a reply; call ids are made unique."""
    target = Target(receipt, answer=True)
    blocks: list[Block] = []
    ids: set[str] = set()
    for n, part in enumerate(parts):
        path = f"choices[0].parts[{n}]"
        if isinstance(part, TextPart) and not part.text and not receipt.native:
            continue
        if getattr(part, "cache", None) is not None:
            receipt.dropped(f"{path}.cache", "not in a reply")
        block = write_block(part, path, target)
        if block is None:
            continue
        if isinstance(part, ToolCallPart) and isinstance(block, dict):
            block["toolUse"]["toolUseId"] = unique_id(part.id, ids, receipt)
        blocks.append(block)
    return blocks


def unique_id(call_id: str, ids: set[str], receipt: Receipt) -> str:
    """A call id that this reply has not used yet; some providers leave it empty or repeat it."""
    found = call_id
    while not found or found in ids:
        found = f"{call_id or 'tooluse'}_{len(ids) + 1}" if found == call_id else f"{found}_"
    if found != call_id:
        receipt.changed(f"tool_calls[{len(ids)}].id", "was empty or used twice")
    ids.add(found)
    return found
