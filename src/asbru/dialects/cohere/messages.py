"""Messages, both ways.

    system               text
    user                 texts, images; the documents of the request stand in the last of them
    assistant            `tool_plan` (what it said before its calls), `content`, `tool_calls`, `citations`
    tool                 one for each result; those that follow each other are one canonical message

A plan is text like any other: a text before calls is written as one. Citations belong to the text that they name by
`content_index`, else to the first. A failed result of another dialect begins with "Error: ", for there is no flag, and
its images travel in a user's message after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from asbru.core.chat import (
    DocumentPart,
    Extra,
    ImagePart,
    Message,
    Part,
    Raw,
    Role,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.dialects.cohere.documents import read_document, write_document
from asbru.dialects.cohere.parts import Block, bare_text, read_content, write_part, write_parts
from asbru.dialects.cohere.tools import read_calls, write_call
from asbru.dialects.cohere.types import NAME, encode
from asbru.dialects.fields import DECODE_ERRORS, Fields
from asbru.dialects.receipt import Receipt

CITATIONS: Final = "citations"
_ROLES: Final[dict[str, Role]] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_ERROR: Final = "Error: "
_items = msgspec.json.Decoder(list[Raw]).decode


class _Placed(msgspec.Struct):
    content_index: int | None = None


_placed = msgspec.json.Decoder(_Placed).decode


# --- reading --------------------------------------------------------------------------------------------


def read_messages(fields: Fields) -> tuple[Message, ...]:
    """`messages`, with `documents` in the last of the user's."""
    items = fields.need_items("messages")
    if not items:
        raise fields.wrong("messages", "expected an array of at least one message, got an empty array")
    messages: list[Message] = []
    last_user: int | None = None
    results: list[ToolResultPart] = []
    for at, item in enumerate(items):
        message = fields.as_object(item, f"messages[{at}]")
        role = message.need_text("role").lower()
        if role == "tool":
            results.append(_read_result(message))
            continue
        if results:
            messages.append(Message(role="user", parts=tuple(results)))
            results = []
        if role == "user":
            last_user = len(messages)
        messages.append(_read_message(message, role))
    if results:
        messages.append(Message(role="user", parts=tuple(results)))
    if last_user is not None:
        documents = _read_documents(fields)
        if documents:
            last = messages[last_user]
            messages[last_user] = msgspec.structs.replace(last, parts=(*documents, *last.parts), plain=False)
    return tuple(messages)


def _read_documents(fields: Fields) -> tuple[DocumentPart, ...]:
    return tuple(
        read_document(fields, item, f"documents[{at}]") for at, item in enumerate(fields.items("documents") or ())
    )


def _read_result(message: Fields) -> ToolResultPart:
    call_id = message.need_text("tool_call_id")
    parts, plain = read_content(message)
    return ToolResultPart(call_id=call_id, parts=parts, plain=plain, extra=message.rest_set())


def _read_message(message: Fields, word: str) -> Message:
    role = _ROLES.get(word)
    if role is None:
        raise message.wrong("role", f'expected "system", "user", "assistant" or "tool", got "{word[:40]}"')
    if role == "assistant":
        parts, plain, extra = read_assistant(message)
        return Message(role=role, parts=parts, plain=plain, extra=extra)
    if "content" not in message:
        raise message.wrong("content", "expected a string or an array of parts, got nothing")
    parts, plain = read_content(message)
    return Message(role=role, parts=parts, plain=plain, extra=message.rest_set())


def read_assistant(message: Fields) -> tuple[tuple[Part, ...], bool, Extra]:
    """The parts of what the model said, whether its content was one string, and what is unknown of it."""
    plan = message.text("tool_plan")
    content, plain = read_content(message)
    calls = read_calls(message)
    citations = message.raw(CITATIONS)
    extra = message.rest_set()
    if citations is not None:
        content, left = cite(content, citations)
        if left is not None:
            extra[CITATIONS] = left
    planned = (TextPart(text=plan),) if plan else ()
    thoughts = next((at for at, part in enumerate(content) if not isinstance(part, ThinkingPart)), len(content))
    return (*content[:thoughts], *planned, *content[thoughts:], *calls), plain and not calls, extra


def cite(content: tuple[Part, ...], citations: Raw) -> tuple[tuple[Part, ...], Raw | None]:
    """The content with its citations; what of them belongs to no text, None for nothing."""
    texts = [at for at, part in enumerate(content) if isinstance(part, TextPart)]
    try:
        listed = _items(citations)
    except DECODE_ERRORS:
        return content, citations
    found: dict[int, list[Raw]] = {}
    left: list[Raw] = []
    for one in listed:
        at = _place(one)
        at = at if at in texts else next(iter(texts), None)
        (left if at is None else found.setdefault(at, [])).append(one)
    cited = tuple(
        msgspec.structs.replace(part, citations=Raw(encode(found[at])), citations_dialect=NAME)
        if at in found and isinstance(part, TextPart)
        else part
        for at, part in enumerate(content)
    )
    return cited, Raw(encode(left)) if left else None


def _place(citation: Raw) -> int | None:
    try:
        return _placed(citation).content_index
    except DECODE_ERRORS:
        return None


# --- writing --------------------------------------------------------------------------------------------


class MessageWriter:
    """Writes the messages of one request; `documents` are what it found on the way. `thinks`: see `write_parts`."""

    __slots__ = ("_receipt", "_thinks", "documents")

    def __init__(self, receipt: Receipt, *, thinks: bool) -> None:
        self._receipt = receipt
        self._thinks = thinks
        self.documents: list[dict[str, Any]] = []

    def write(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """The `messages` list."""
        written: list[dict[str, Any]] = []
        for at, message in enumerate(messages):
            path = f"messages[{at}]"
            if message.name is not None:
                self._receipt.dropped(f"{path}.name", "messages have no author")
            if message.cache is not None:
                self._receipt.dropped(f"{path}.cache", "Cohere takes no cache marks")
            written += (self._assistant if message.role == "assistant" else self._turn)(message, path)
        return written

    def _assistant(self, message: Message, path: str) -> Iterator[dict[str, Any]]:
        head = {"role": "assistant", **self._receipt.riding(path, message.extra)}
        said = write_assistant(message.parts, path, self._receipt, plain=message.plain, thinks=self._thinks)
        if self._receipt.native or any(said.values()):
            yield head | said
        else:  # an empty reply is refused
            self._receipt.dropped(path, "no content")

    def _turn(self, message: Message, path: str) -> Iterator[dict[str, Any]]:
        """A system's or user's message; the results of tools in it come first, as messages of their own."""
        rest: list[tuple[str, Part]] = []
        moved: list[Block] = []
        results = has_documents = False
        for at, part in enumerate(message.parts):
            where = f"{path}.parts[{at}]"
            if isinstance(part, ToolResultPart):
                if rest:
                    self._receipt.changed(where, "Cohere wants tool results before other content")
                results = True
                yield self._result(part, where, moved)
            elif isinstance(part, DocumentPart):
                has_documents = True
                document = write_document(part, where, self._receipt)
                self.documents += [] if document is None else [document]
            else:
                rest.append((where, part))
        blocks = moved + write_parts(rest, self._receipt, thinks=self._thinks)
        if not blocks and (results or (has_documents and not self._receipt.native)):
            self._receipt.foreign(path, message.extra)
            return
        role = "user" if message.role == "user" else "system"
        short = message.plain or has_documents or not self._receipt.native
        yield {"role": role, **self._receipt.riding(path, message.extra), "content": shorten(blocks, short)}

    def _result(self, part: ToolResultPart, path: str, moved: list[Block]) -> dict[str, Any]:
        blocks: list[Block] = []
        for at, inner in enumerate(part.parts):
            where = f"{path}.parts[{at}]"
            block = write_part(inner, where, self._receipt)
            if block is None:
                continue
            if isinstance(inner, ImagePart) and not self._receipt.native:
                self._receipt.changed(where, "an image in a tool result travels in a user message after it")
                moved += [{"type": "text", "text": f"From the result of tool call {part.call_id}:"}, block]
            else:
                blocks.append(block)
        if part.is_error:
            self._receipt.changed(f"{path}.is_error", 'there is no flag: the text begins with "Error: "')
            blocks = _marked(blocks)
        if part.name is not None:
            self._receipt.dropped(f"{path}.name", "tool results have no author")
        if part.cache is not None:
            self._receipt.dropped(f"{path}.cache", "Cohere takes no cache marks")
        content = shorten(blocks, part.plain or not self._receipt.native)
        head = {"role": "tool", "tool_call_id": part.call_id}
        return {**head, **self._receipt.riding(path, part.extra), "content": content}


def _marked(blocks: list[Block]) -> list[Block]:
    text = bare_text(blocks[0]) if blocks else None
    if text is None:
        return [{"type": "text", "text": _ERROR}, *blocks]
    return [{"type": "text", "text": text if text.startswith(_ERROR) else _ERROR + text}, *blocks[1:]]


def shorten(blocks: list[Block], may: bool) -> str | list[Block]:
    """Content as a string where it is one text, or nothing."""
    if may and not blocks:
        return ""
    text = bare_text(blocks[0]) if may and len(blocks) == 1 else None
    return blocks if text is None else text


def write_assistant(
    parts: Sequence[Part], path: str, receipt: Receipt, *, plain: bool, thinks: bool, answer: bool = False
) -> dict[str, Any]:
    """The members of what the model said, of a request or of an `answer`."""
    plan = _place_of_plan(parts, receipt)
    members: dict[str, Any] = {}
    content: list[Block] = []
    citations: list[Raw] = []
    calls: list[dict[str, Any]] = []
    for at, part in enumerate(parts):
        where = f"{path}.parts[{at}]"
        if isinstance(part, ToolCallPart):
            calls.append(write_call(part, where, receipt))
            continue
        if calls:
            receipt.changed(f"{path}.parts", "Cohere orders them: content, then tool calls")
        citations += _citations(part, where, receipt)
        block = None if _is_idle(part, parts, receipt) else write_part(part, where, receipt, thinks=thinks)
        if at == plan and isinstance(part, TextPart):
            members["tool_plan"] = part.text
        elif block is not None:
            content.append(block)
    if content or not calls:
        members["content"] = shorten(content, (plain or not receipt.native) and not answer)
    if calls:
        members["tool_calls"] = calls
    if citations:
        members[CITATIONS] = citations
    return members


def _place_of_plan(parts: Sequence[Part], receipt: Receipt) -> int | None:
    """Which part is the plan: the first text before calls, unless it has what a plan has no place for."""
    call = next((at for at, part in enumerate(parts) if isinstance(part, ToolCallPart)), 0)
    plan = next((at for at, part in enumerate(parts[:call]) if isinstance(part, TextPart) and part.text), None)
    return None if plan is None or _is_more_than_text(parts[plan], receipt) else plan


def _is_idle(part: Part, parts: Sequence[Part], receipt: Receipt) -> bool:
    """Whether it is an empty text beside something else, which says nothing."""
    return isinstance(part, TextPart) and not part.text and not part.extra and not receipt.native and len(parts) > 1


def _is_more_than_text(part: Part, receipt: Receipt) -> bool:
    """Whether a text has what a plan has no place for."""
    return receipt.native and isinstance(part, TextPart) and bool(part.extra or part.citations is not None)


def _citations(part: Part, path: str, receipt: Receipt) -> list[Raw]:
    if not isinstance(part, TextPart) or part.citations is None:
        return []
    if part.citations_dialect != NAME:
        receipt.dropped(f"{path}.citations", "of another dialect")
        return []
    try:
        return _items(part.citations)
    except DECODE_ERRORS:
        return [part.citations]
