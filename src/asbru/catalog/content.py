"""What a model would read of a request in canonical form: its texts, and what there is to count in it.

Not here: counting, which needs a tokenizer (`catalog/tokens.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from asbru.core.chat import (
    ChatRequest,
    DocumentPart,
    ForeignPart,
    ForeignTool,
    ImagePart,
    Part,
    Raw,
    RefusalPart,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)


class Countable(msgspec.Struct, frozen=True):
    """What a request holds: its texts, how many images, how many bytes of base64 documents, messages, tools."""

    texts: tuple[str, ...]
    images: int
    document_bytes: int
    messages: int
    tools: int


def texts_of(request: ChatRequest) -> Iterator[str]:
    """Every text that a model would read: messages, tool calls and results, tools, the answer's schema."""
    for message in request.messages:
        yield from _texts(message.parts)
    for tool in request.tools or ():
        yield from _tool_texts(tool)
    if request.response_format is not None and request.response_format.schema is not None:
        yield _text(request.response_format.schema)


def countable(request: ChatRequest) -> Countable:
    """Everything there is to count."""
    images = documents = 0
    for part in _walk(part for message in request.messages for part in message.parts):
        if isinstance(part, ImagePart):
            images += 1
        elif isinstance(part, DocumentPart) and part.source is not None:
            documents += len(part.source.data or "")
    return Countable(
        texts=tuple(texts_of(request)),
        images=images,
        document_bytes=documents * 3 // 4,
        messages=len(request.messages),
        tools=len(request.tools or ()),
    )


def _walk(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, (ToolResultPart, DocumentPart)):
            yield from _walk(part.parts or ())


def _texts(parts: Iterable[Part]) -> Iterator[str]:
    for part in _walk(parts):
        match part:
            case TextPart() | ThinkingPart() | RefusalPart():
                yield part.text
            case ToolCallPart():
                yield part.name
                yield part.arguments
            case DocumentPart():
                yield from (text for text in (part.title, part.context, part.text) if text)
            case ForeignPart():
                yield _text(part.raw)
            case _:
                pass


def _tool_texts(tool: Tool | ForeignTool) -> Iterator[str]:
    if isinstance(tool, ForeignTool):
        yield _text(tool.raw)
        return
    yield tool.name
    if tool.description:
        yield tool.description
    if tool.parameters is not None:
        yield _text(tool.parameters)


def _text(raw: Raw) -> str:
    return bytes(raw).decode("utf-8", "replace")
