"""The events of the items of an answer, as its parts come: each item is announced, extended, and told whole at its end.

Texts and refusals that follow each other are contents of one message; everything else is an item of its own. A message
is done when something else begins and all its contents have stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from asbru.core.chat import (
    ForeignPart,
    Part,
    Raw,
    RedactedThinkingPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.reply import PartDelta, PartStop
from asbru.dialects.openai_responses.carrier import carry
from asbru.dialects.openai_responses.item_writer import write_call, write_thought
from asbru.dialects.openai_responses.parts import Written, write_foreign
from asbru.dialects.openai_responses.response import complete_item, item_id, tokens_of
from asbru.dialects.openai_responses.types import NAME, RIDING, decode_members, message_members
from asbru.dialects.receipt import Receipt

Put: TypeAlias = Callable[[str, dict[str, Any]], None]
"""Writes an event of a type with its members."""


class _Message:
    """A message item: its contents in order, and how many of them are open."""

    __slots__ = ("at", "contents", "id", "open", "riding", "sealed")

    def __init__(self, at: int, item_id: str, riding: dict[str, Any]) -> None:
        self.at = at
        self.id = item_id
        self.riding = riding
        self.contents: list[dict[str, Any]] = []
        self.open = 0
        self.sealed = False  # something else has begun since

    def item(self, status: str) -> dict[str, Any]:
        return {
            "type": "message",
            "id": self.id,
            "status": status,
            "role": "assistant",
            "content": self.contents if status == "completed" else [],
            **self.riding,
        }


class _Open:
    """A part on its way. `at` is its item's place; `content` its place in a message, -1 where it is the item."""

    __slots__ = ("at", "citations", "content", "id", "message", "part", "signature", "texts")

    def __init__(
        self, part: Part, at: int, item_id: str, *, message: _Message | None = None, content: int = -1
    ) -> None:
        self.part = part
        self.at = at
        self.id = item_id
        self.message = message
        self.content = content
        self.texts: list[str] = []
        self.citations: list[Raw] = []
        self.signature: str | None = None


class Items:
    """Writes the events of items by `put`; `response_id` is known once the reply has begun."""

    __slots__ = ("_done", "_message", "_next", "_open", "_put", "_receipt", "response_id")

    def __init__(self, receipt: Receipt, put: Put, response_id: str) -> None:
        self._receipt = receipt
        self._put = put
        self.response_id = response_id
        self._next = 0
        self._message: _Message | None = None
        self._open: dict[int, _Open] = {}
        self._done: dict[int, Written] = {}

    # Beginnings

    def begin(self, index: int, part: Part) -> None:
        """A part begins."""
        path = f"choices[0].parts[{index}]"
        match part:
            case TextPart() | RefusalPart():
                self._begin_content(index, part, path)
            case ThinkingPart() | RedactedThinkingPart():
                self._begin_item(index, part, self._thought(part, path))
            case ToolCallPart():
                self._begin_item(index, part, self._call(part, path))
            case ForeignPart():
                self._begin_item(index, part, write_foreign(part, path, self._receipt))
            case _:
                self._receipt.dropped(path, "the Responses API has no such part in a stream")

    def _claim(self) -> int:
        self._next += 1
        return self._next - 1

    def _begin_content(self, index: int, part: TextPart | RefusalPart, path: str) -> None:
        extra: dict[str, Raw] = {}
        if isinstance(part, TextPart):
            extra = self._receipt.riding(path, part.extra) if part.extra else {}
        if any(name in extra for name in RIDING):
            self._seal()
        message = self._message
        if message is None or message.sealed:
            message = self._begin_message(extra)
        content = len(message.contents)
        message.open += 1
        written = _content(part, "", [])
        written |= {name: raw for name, raw in extra.items() if name not in RIDING}
        message.contents.append(written)
        self._open[index] = opened = _Open(part, message.at, message.id, message=message, content=content)
        self._tell("response.content_part.added", opened, {"part": written})
        if part.text:
            self._extend_content(opened, part.text)

    def _begin_message(self, extra: dict[str, Raw]) -> _Message:
        at = self._claim()
        riding = message_members(extra)
        found = _text_of(riding.pop("id", None)) or item_id("message", self.response_id, at)
        message = self._message = _Message(at, found, riding)
        self._put("response.output_item.added", {"output_index": at, "item": message.item("in_progress")})
        return message

    def _begin_item(self, index: int, part: Part, item: Written | None) -> None:
        if item is None:
            return
        self._seal()
        at = self._claim()
        item = complete_item(item, self.response_id, at, "in_progress")
        self._open[index] = _Open(part, at, _id_of(item))
        self._put("response.output_item.added", {"output_index": at, "item": item})

    def _thought(self, part: ThinkingPart | RedactedThinkingPart, path: str) -> dict[str, Any] | None:
        item = write_thought(part, path, self._receipt, answer=True)
        if item is not None and isinstance(part, ThinkingPart):
            item.pop("encrypted_content", None)  # told at its end
            item |= {"summary": []}
        return item

    def _call(self, part: ToolCallPart, path: str) -> dict[str, Any]:
        item = write_call(part, path, self._receipt)
        item["input" if part.custom else "arguments"] = ""
        return item

    # More

    def extend(self, delta: PartDelta) -> None:
        """More of a part."""
        opened = self._open.get(delta.index)
        if opened is None:
            return
        if delta.text is not None:
            if opened.content >= 0:
                self._extend_content(opened, delta.text)
            else:
                self._extend_item(opened, delta.text)
        elif delta.signature is not None:
            opened.signature = delta.signature
        elif delta.citation is not None:
            self._cite(opened, delta.citation)
        elif delta.logprobs is not None:
            self._note_logprobs(opened, delta.logprobs)
        elif delta.foreign is not None and not self._receipt.native:
            self._receipt.dropped("delta", "of another dialect")

    def _extend_content(self, opened: _Open, text: str) -> None:
        opened.texts.append(text)
        if isinstance(opened.part, RefusalPart):
            self._tell("response.refusal.delta", opened, {"delta": text})
        else:
            self._tell("response.output_text.delta", opened, {"delta": text, "logprobs": []})

    def _extend_item(self, opened: _Open, text: str) -> None:
        opened.texts.append(text)
        part = opened.part
        members: dict[str, Any] = {"delta": text}
        if isinstance(part, ToolCallPart):
            kind = "custom_tool_call_input" if part.custom else "function_call_arguments"
            self._tell(f"response.{kind}.delta", opened, members)
        elif isinstance(part, ThinkingPart):
            if _is_content(part):
                self._tell("response.reasoning_text.delta", opened, {"content_index": 0, **members})
                return
            if len(opened.texts) == 1:
                empty = {"type": "summary_text", "text": ""}
                self._tell("response.reasoning_summary_part.added", opened, {"summary_index": 0, "part": empty})
            self._tell("response.reasoning_summary_text.delta", opened, {"summary_index": 0, **members})

    def _cite(self, opened: _Open, citation: Raw) -> None:
        if not self._receipt.native:
            self._receipt.dropped("citations", "of another dialect")
            return
        place = len(opened.citations)
        opened.citations.append(citation)
        members = {"annotation_index": place, "annotation": citation}
        self._tell("response.output_text.annotation.added", opened, members)

    def _note_logprobs(self, opened: _Open, logprobs: Raw) -> None:
        content = tokens_of(logprobs, "logprobs", self._receipt)
        if content is None or not isinstance(opened.part, TextPart):
            self._receipt.dropped("logprobs", "no equivalent")
            return
        self._tell("response.output_text.delta", opened, {"delta": "", "logprobs": content})

    # Ends

    def stop(self, event: PartStop) -> None:
        """A part is complete."""
        opened = self._open.pop(event.index, None)
        if opened is None:
            return
        if opened.content >= 0:
            self._stop_content(opened)
        else:
            self._stop_item(opened, event.part)

    def _stop_content(self, opened: _Open) -> None:
        message = opened.message
        assert message is not None
        text = "".join(opened.texts)
        before = message.contents[opened.content]
        content = before | _content(opened.part, text, opened.citations)
        message.contents[opened.content] = content
        if isinstance(opened.part, RefusalPart):
            self._tell("response.refusal.done", opened, {"refusal": text})
        else:
            self._tell("response.output_text.done", opened, {"text": text, "logprobs": []})
        self._tell("response.content_part.done", opened, {"part": content})
        message.open -= 1
        if message.sealed:
            self._finish_message(message)

    def _stop_item(self, opened: _Open, grown: ForeignPart | None) -> None:
        path = f"choices[0].parts[{opened.at}]"
        text = "".join(opened.texts)
        part = opened.part
        item: Written | None
        match part:
            case ToolCallPart():
                whole = part.arguments + text
                item = write_call(_with_arguments(part, whole), path, self._receipt)
                kind = "custom_tool_call_input" if part.custom else "function_call_arguments"
                word = "input" if part.custom else "arguments"
                item[word] = item[word] if whole or not part.custom else ""
                self._tell(f"response.{kind}.done", opened, {word: item[word]})
            case ThinkingPart():
                item = self._stop_thought(opened, part, part.text + text, path)
            case ForeignPart():
                item = write_foreign(grown or part, path, self._receipt)
            case _:
                item = self._thought(part, path) if isinstance(part, RedactedThinkingPart) else None
        if item is None:
            return
        if isinstance(item, dict):
            item["id"] = opened.id
        item = complete_item(item, self.response_id, opened.at)
        self._put("response.output_item.done", {"output_index": opened.at, "item": item})
        self._done[opened.at] = item

    def _stop_thought(self, opened: _Open, part: ThinkingPart, text: str, path: str) -> dict[str, Any] | None:
        if text and not _is_content(part):
            told = {"type": "summary_text", "text": text}
            self._tell("response.reasoning_summary_text.done", opened, {"summary_index": 0, "text": text})
            self._tell("response.reasoning_summary_part.done", opened, {"summary_index": 0, "part": told})
        signature = part.signature if opened.signature is None else opened.signature
        whole = ThinkingPart(text=text, signature=signature, dialect=part.dialect, extra=_unsplit(part.extra))
        item = write_thought(whole, path, self._receipt, answer=True)
        if item is not None and signature:
            item["encrypted_content"] = carry(signature, part.dialect)
        return item

    def _seal(self) -> None:
        """No further content joins the message that is open."""
        message = self._message
        if message is not None and not message.sealed:
            message.sealed = True
            self._finish_message(message)

    def _finish_message(self, message: _Message) -> None:
        if message.open or message.at in self._done:
            return
        item = message.item("completed")
        self._put("response.output_item.done", {"output_index": message.at, "item": item})
        self._done[message.at] = item

    def close(self) -> list[Written]:
        """All is complete: the items in their order."""
        for index in [*self._open]:
            self.stop(PartStop(index=index))
        self._seal()
        return [item for _, item in sorted(self._done.items())]

    def _tell(self, kind: str, opened: _Open, members: dict[str, Any]) -> None:
        place: dict[str, Any] = {"item_id": opened.id, "output_index": opened.at}
        if opened.content >= 0:
            place["content_index"] = opened.content
        self._put(kind, place | members)


def _content(part: Part, text: str, citations: list[Raw]) -> dict[str, Any]:
    if isinstance(part, RefusalPart):
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": citations}


def _with_arguments(part: ToolCallPart, arguments: str) -> ToolCallPart:
    return msgspec.structs.replace(part, arguments=arguments)


def _unsplit(extra: dict[str, Raw]) -> dict[str, Raw]:
    """What rides with a thinking part, without how its text was split: a stream tells it as one."""
    return {name: raw for name, raw in extra.items() if name != "index"}


def _is_content(part: ThinkingPart) -> bool:
    return part.dialect == NAME and "format" in part.extra


def _text_of(raw: Any) -> str:
    return "" if raw is None else bytes(raw).decode().strip('"')


def _id_of(item: Written) -> str:
    members = item if isinstance(item, dict) else decode_members(item)
    found = members.get("id", "")
    return found if isinstance(found, str) else _text_of(found)
