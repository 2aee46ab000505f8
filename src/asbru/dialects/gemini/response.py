"""A whole reply (`GenerateContentResponse`), read into the canonical reply and written from one.

A prompt that was blocked has no candidates: it is read as one choice without parts that was refused, with Google's word
for why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from asbru.core.chat import Choice, Extra, Raw, StopReason, ToolCallPart
from asbru.core.reply import ChatReply, ReplyStart
from asbru.dialects.contract import WrittenReply
from asbru.dialects.fields import Fields, open_body
from asbru.dialects.gemini.calls import Calls
from asbru.dialects.gemini.errors import error_inside
from asbru.dialects.gemini.part_writer import PartList
from asbru.dialects.gemini.parts import read_parts
from asbru.dialects.gemini.types import NAME, REFUSE_REPLY, STOP_READ, STOP_WRITE, decode_members, encode, stop_word
from asbru.dialects.gemini.usage import has_fees, read_usage, write_usage
from asbru.dialects.receipt import Receipt

FEEDBACK: Final = "promptFeedback"


def read_reply(body: bytes) -> ChatReply:
    """The reply; `UpstreamError` of kind "fault" for an error in its place, "protocol" for anything else."""
    failed = error_inside(body)
    if failed is not None:
        raise failed
    fields = open_body(body, REFUSE_REPLY)
    candidates = fields.items("candidates")
    blocked = read_block(fields)
    if candidates is None and blocked is None and "usageMetadata" not in fields:
        raise fields.wrong("candidates", "expected an array, got nothing")
    reply_id = fields.text("responseId") or ""
    read = [fields.as_object(raw, f"candidates[{at}]") for at, raw in enumerate(candidates or ())]
    choices = [_read_choice(candidate, at, Calls(reply_id)) for at, candidate in enumerate(read)]
    if not choices:
        choices = [Choice(index=0, parts=(), stop="refusal" if blocked else "other", raw_stop=blocked)]
    return ChatReply(
        id=reply_id,
        model=fields.text("modelVersion") or "",
        choices=tuple(choices),
        usage=read_usage(fields.raw("usageMetadata"), fees=has_fees(body)),
        dialect=NAME,
        extra=fields.rest_set(),
    )


def read_block(fields: Fields) -> str | None:
    """Why the prompt was blocked; None where it was not. The feedback itself rides along."""
    raw = fields.peek(FEEDBACK)
    if raw is None or bytes(memoryview(raw)[:1]) != b"{":
        return None
    return fields.as_object(raw, FEEDBACK).peek_text("blockReason")


def _read_choice(candidate: Fields, at: int, calls: Calls) -> Choice:
    content = candidate.child("content")
    parts = () if content is None else read_parts(content, calls)
    word = stop_word(candidate.raw("finishReason"))
    index = candidate.integer("index")
    return Choice(
        index=at if index is None else index,
        parts=parts,
        stop=None if word is None else read_stop(word, called=any(isinstance(part, ToolCallPart) for part in parts)),
        raw_stop=word,
        extra=candidate.rest_set(),
    )


def read_stop(word: str, *, called: bool) -> StopReason:
    """Why a candidate ended."""
    stop = STOP_READ.get(word, "other")
    return "tool_calls" if stop == "stop" and called else stop


def write_reply(reply: ChatReply) -> WrittenReply:
    """The body for a caller of this dialect."""
    receipt = Receipt(NAME, reply.dialect)
    extra = receipt.riding("", reply.extra) if reply.extra else {}
    body: dict[str, Any] = {}
    if not (FEEDBACK in extra and is_blocked(extra) and _is_empty(reply.choices)):
        body["candidates"] = [_write_choice(choice, n, receipt) for n, choice in enumerate(reply.choices)]
    if reply.usage is not None:
        body["usageMetadata"] = write_usage(reply.usage, receipt)
    body |= write_start(reply, receipt)
    for name, raw in extra.items():
        body.setdefault(name, raw)
    return WrittenReply(encode(body), receipt.notes)


def is_blocked(extra: Extra) -> bool:
    """Whether the feedback in `extra` says that the prompt was blocked."""
    return "blockReason" in decode_members(extra[FEEDBACK])


def _is_empty(choices: Sequence[Choice]) -> bool:
    return all(not choice.parts for choice in choices)


def write_start(start: ChatReply | ReplyStart, receipt: Receipt) -> dict[str, Any]:
    """Who replies: in every event of a stream, too."""
    if start.service_tier is not None:
        receipt.dropped("service_tier", "no equivalent")
    written: dict[str, Any] = {}
    if start.model:
        written["modelVersion"] = start.model
    if start.id:
        written["responseId"] = start.id
    return written


def _write_choice(choice: Choice, n: int, receipt: Receipt) -> dict[str, Any]:
    path = f"choices[{n}]"
    parts = PartList(path, receipt, answer=True)
    parts.add_all(choice.parts)
    if choice.logprobs is not None:
        receipt.dropped(f"{path}.logprobs", "no equivalent")
    written: dict[str, Any] = {"content": write_content(parts.parts), "index": choice.index}
    written |= write_stop(choice.stop, choice.raw_stop, choice.stop_sequence, path=path, receipt=receipt)
    if choice.extra:
        written |= receipt.riding(path, choice.extra)
    return written


def write_content(parts: Sequence[dict[str, Any] | Raw]) -> dict[str, Any]:
    """What the model says."""
    return {"parts": list(parts), "role": "model"} if parts else {"role": "model"}


def write_stop(
    stop: StopReason | None, word: str | None, sequence: str | None, *, path: str, receipt: Receipt
) -> dict[str, Any]:
    """`finishReason`; nothing where it did not end."""
    if stop is None:
        return {}
    if receipt.native and word is not None:
        return {"finishReason": word}
    if sequence is not None:
        receipt.dropped(f"{path}.stop_sequence", "it is not told which stop matched")
    if stop == "other" and word is not None:
        receipt.changed(f"{path}.stop", f"{word[:40]} became OTHER")
    return {"finishReason": STOP_WRITE[stop]}
