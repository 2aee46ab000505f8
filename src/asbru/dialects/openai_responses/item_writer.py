"""Canonical messages, written as the items of a conversation.

An assistant's message becomes its items in the order of its parts: texts and refusals in message items, reasoning and
calls beside them. A user's message with tool results becomes an output for each, and a message of the rest. Signed
thinking goes back only to the provider that signed it; thinking that is not signed is not asked for and left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from asbru.core.chat import (
    Extra,
    ForeignPart,
    Message,
    Part,
    RedactedThinkingPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.in_words import in_words
from asbru.dialects.openai_responses.carrier import carry
from asbru.dialects.openai_responses.parts import (
    Written,
    bare_text,
    note_cache,
    write_foreign,
    write_part,
    write_parts,
)
from asbru.dialects.openai_responses.types import ITEM, NAME, RIDING, item_marks, message_members
from asbru.dialects.receipt import Receipt

_ERROR = "Error: "
_SPELLING = ("format", "index", ITEM)
_GAP = "\n\n"
_LENGTHS = msgspec.json.Decoder(list[int]).decode


def write_input(messages: Sequence[Message], receipt: Receipt) -> tuple[str | None, list[Written]]:
    """`instructions` (None: there are none) and the items of `input`."""
    instructions: str | None = None
    items: list[Written] = []
    for at, message in enumerate(messages):
        path = f"messages[{at}]"
        _note_message(message, path, receipt)
        if at == 0 and message.role == "system" and len(messages) > 1:
            instructions = _plain_text(message)
            if instructions is not None:
                continue
        if message.role == "assistant":
            items += _write_assistant(message, path, receipt)
        else:
            items += _write_turn(message, path, receipt)
    return instructions, items


def _note_message(message: Message, path: str, receipt: Receipt) -> None:
    if message.name is not None:
        receipt.dropped(f"{path}.name", "no equivalent")
    note_cache(message.cache, path, receipt)
    if not receipt.native:
        receipt.foreign(path, message.extra)


def _plain_text(message: Message) -> str | None:
    """The text of a message that is one plain text."""
    if len(message.parts) == 1 and message.plain and not message.extra:
        return bare_text(message.parts[0])
    return None


def _write_turn(message: Message, path: str, receipt: Receipt) -> list[Written]:
    items: list[Written] = []
    rest: list[Part] = []
    for k, part in enumerate(message.parts):
        if isinstance(part, ToolResultPart):
            items.append(_write_output(part, f"{path}.parts[{k}]", receipt))
        else:
            rest.append(part)
    if not rest and (items or not receipt.native):
        return items
    text = bare_text(rest[0]) if len(rest) == 1 and message.plain else None
    # Paths of parts count from the message's first: results stand before the rest, or there are none.
    content = text if text is not None else _write_rest(message, rest, path, receipt)
    if not content and not receipt.native:
        if text is not None:
            receipt.dropped(f"{path}.parts[0]", "empty text")
        return items
    marks = _marks_of(rest)
    items.append({"type": "message", **marks, "role": message.role, "content": content, **_extra(message, receipt)})
    return items


def _write_rest(message: Message, rest: Sequence[Part], path: str, receipt: Receipt) -> list[Written]:
    if len(rest) == len(message.parts):
        return write_parts(rest, path, receipt)
    found = (
        write_part(part, f"{path}.parts[{k}]", receipt)
        for k, part in enumerate(message.parts)
        if not isinstance(part, ToolResultPart)
    )
    return [one for one in found if one is not None]


def _extra(message: Message, receipt: Receipt) -> Extra:
    return message.extra if receipt.native else {}


def _marks_of(parts: Sequence[Part]) -> dict[str, Any]:
    first = parts[0] if parts else None
    return dict(item_marks(first.extra)) if isinstance(first, TextPart) and first.extra else {}


def _write_output(part: ToolResultPart, path: str, receipt: Receipt) -> Written:
    extra = part.extra if receipt.native else {}
    custom = "type" in extra
    if not receipt.native:
        receipt.foreign(path, part.extra)
    written: dict[str, Any] = {"type": "custom_tool_call_output" if custom else "function_call_output"}
    written |= item_marks(extra)
    written["call_id"] = part.call_id
    text = bare_text(part.parts[0]) if part.plain and len(part.parts) == 1 else None
    if text is not None:
        written["output"] = text
    elif part.plain and not part.parts:
        written["output"] = ""
    else:
        written["output"] = write_parts(part.parts, path, receipt)
    if part.is_error:
        _tell_error(written, path, receipt)
    if part.name is not None:
        receipt.dropped(f"{path}.name", "no equivalent")
    note_cache(part.cache, path, receipt)
    return written | {name: raw for name, raw in extra.items() if name not in ("type", ITEM)}


def _tell_error(written: dict[str, Any], path: str, receipt: Receipt) -> None:
    """The Responses API has no flag for a result that is an error: its text says so."""
    receipt.changed(f"{path}.is_error", "told by the text")
    if isinstance(written["output"], str):
        written["output"] = _ERROR + written["output"]
    else:
        written["output"] = [{"type": "input_text", "text": _ERROR.strip()}, *written["output"]]


class Said:
    """The items that one assistant's message, or an answer, becomes. `answer`: they go to a caller, who also
    gets thinking that others have signed."""

    __slots__ = ("_answer", "_extra", "_open", "_path", "_receipt", "items")

    def __init__(self, path: str, receipt: Receipt, *, answer: bool, extra: Extra) -> None:
        self.items: list[Written] = []
        self._open: list[Written] | None = None
        self._path = path
        self._receipt = receipt
        self._answer = answer
        self._extra = extra

    def add(self, part: Part, at: int) -> None:
        """One part more."""
        path = f"{self._path}.parts[{at}]"
        receipt = self._receipt
        match part:
            case TextPart():
                self._text(part, path)
            case RefusalPart():
                self._content({}).append({"type": "refusal", "refusal": part.text})
            case ThinkingPart() | RedactedThinkingPart():
                self._item(write_thought(part, path, receipt, answer=self._answer))
            case ToolCallPart():
                self._item(write_call(part, path, receipt))
            case ForeignPart() if part.text is not None and part.dialect != NAME and not self._answer:
                text = in_words(part, path, receipt)
                if text is not None:
                    self._text(TextPart(text=text), path)
            case ForeignPart():
                self._item(write_foreign(part, path, receipt))
            case _:
                transcript = getattr(part, "transcript", None)
                if transcript:
                    receipt.changed(path, "audio became its transcript")
                    self._text(TextPart(text=transcript), path)
                else:
                    receipt.dropped(path, "the Responses API has no such part in an answer")

    def _text(self, part: TextPart, path: str) -> None:
        receipt = self._receipt
        if not part.text and not receipt.native and not self._answer:
            receipt.dropped(path, "empty text")
            return
        note_cache(part.cache, path, receipt)
        extra = receipt.riding(path, part.extra) if part.extra else {}
        if any(name in extra for name in RIDING):
            self._open = None
        annotations: Any = []
        if part.citations is not None and part.citations_dialect == NAME:
            annotations = part.citations
        elif part.citations is not None:
            receipt.dropped(f"{path}.citations", "of another dialect")
        text: dict[str, Any] = {"type": "output_text", "text": part.text, "annotations": annotations}
        text |= {name: raw for name, raw in extra.items() if name not in RIDING}
        self._content(message_members(extra)).append(text)

    def _content(self, marks: dict[str, Any]) -> list[Written]:
        """The content of the message item that is open, or of a new one."""
        if self._open is None:
            self._open = []
            extra, self._extra = self._extra, {}
            self.items.append({"type": "message", **marks, "role": "assistant", "content": self._open, **extra})
        return self._open

    def _item(self, item: Written | None) -> None:
        if item is not None:
            self._open = None
            self.items.append(item)


def _write_assistant(message: Message, path: str, receipt: Receipt) -> list[Written]:
    parts = message.parts
    text = bare_text(parts[0]) if len(parts) == 1 and (message.plain or not receipt.native) else None
    if text and not message.extra:
        return [{"type": "message", "role": "assistant", "content": text}]
    said = Said(path, receipt, answer=False, extra=_extra(message, receipt))
    for at, part in enumerate(parts):
        said.add(part, at)
    if not said.items or (
        _extra(message, receipt) and not any(item.get("type") == "message" for item in _dicts(said))
    ):
        receipt.dropped(path, "no message holds it")
    return said.items


def _dicts(said: Said) -> list[dict[str, Any]]:
    """The items that were made here; those of other kinds stand as they came."""
    return [item for item in said.items if isinstance(item, dict)]


def write_call(part: ToolCallPart, path: str, receipt: Receipt) -> dict[str, Any]:
    """A call of a function or of a custom tool."""
    note_cache(part.cache, path, receipt)
    extra = receipt.riding(path, part.extra) if part.extra else {}
    written: dict[str, Any] = {"type": "custom_tool_call" if part.custom else "function_call", **item_marks(extra)}
    written |= {"call_id": part.id, "name": part.name}
    if part.namespace is not None:
        written["namespace"] = part.namespace
    written["input" if part.custom else "arguments"] = part.arguments if part.custom else part.arguments or "{}"
    return written | {name: raw for name, raw in extra.items() if name != ITEM}


def write_thought(
    part: ThinkingPart | RedactedThinkingPart, path: str, receipt: Receipt, *, answer: bool
) -> dict[str, Any] | None:
    """A reasoning item; None (noted) for what must not go to this provider."""
    if isinstance(part, RedactedThinkingPart):
        if part.dialect != NAME and not answer:
            receipt.dropped(path, "thinking of another provider")
            return None
        return {
            "type": "reasoning",
            "summary": [],
            "encrypted_content": carry(part.data, part.dialect, redacted=True),
        }
    if not answer and (part.dialect != NAME or not (part.signature or receipt.native)):
        receipt.dropped(path, "thinking without a signature of this provider")
        return None
    extra = receipt.riding_thought(path, part.extra) if part.extra else {}
    written: dict[str, Any] = {"type": "reasoning", **item_marks(extra)}
    written |= _shown(part)
    signature = carry(part.signature or "", part.dialect)
    if signature:
        written["encrypted_content"] = signature
    return written | {name: raw for name, raw in extra.items() if name not in _SPELLING}


def _shown(part: ThinkingPart) -> dict[str, Any]:
    """What is shown of reasoning, split as it was."""
    own = part.dialect == NAME
    texts = (_split(part) if own else None) or ([part.text] if part.text else [])
    if own and "format" in part.extra:
        return {"summary": [], "content": [{"type": "reasoning_text", "text": text} for text in texts]}
    return {"summary": [{"type": "summary_text", "text": text} for text in texts]}


def _split(part: ThinkingPart) -> list[str] | None:
    """The texts that it came in; None where it does not say, or where a caller of another dialect has put anything else
    in that place."""
    try:
        lengths = _LENGTHS(part.extra["index"])
    except (KeyError, *DECODE_ERRORS):
        return None
    texts: list[str] = []
    at = 0
    for length in lengths:
        texts.append(part.text[at : at + length])
        at += length + len(_GAP)
    return texts if _GAP.join(texts) == part.text else None
