"""The facts of message parts, and the values that facts hold: what `facts.py` builds on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from asbru.core.chat import (
    AudioPart,
    DocumentPart,
    ForeignPart,
    ImagePart,
    MediaSource,
    Part,
    RedactedThinkingPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)

SPELLING = ("member", "type", "format", "index")
"""How a thinking part was spelled: no fact."""
BORDER = "item"
"""Where an item of a response began: no fact."""


class Fact(NamedTuple):
    """`path` is where notes about it point; the rest is what is compared."""

    path: str
    kind: str
    value: Any


class Links(dict[str, int]):
    """The calls of a conversation, by their ids, in the order they came; `names` are those of their functions."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, str] = {}


def of_parts(parts: Iterable[Part], path: str, role: str, links: Links) -> Iterator[Fact]:
    for k, part in enumerate(parts):
        where = f"{path}.parts[{k}]"
        yield from _part(part, where, role, links)
        cache = getattr(part, "cache", None)
        if cache is not None:
            yield Fact(f"{where}.cache", "cache", (_what(part), cache.kind, cache.ttl))
            yield from of_extra(cache.extra, f"{where}.cache")
        extra = getattr(part, "extra", {})
        if isinstance(part, (ThinkingPart, RedactedThinkingPart)):
            extra = {name: raw for name, raw in extra.items() if name not in SPELLING}
        yield from of_extra(extra, where)


def _part(part: Part, path: str, role: str, links: Links) -> Iterator[Fact]:
    match part:
        case TextPart():
            if part.text.strip():
                yield Fact(path, "text", (role, part.text))
            if part.citations is not None and plain_value(part.citations):
                yield Fact(f"{path}.citations", "citations", plain_value(part.citations))
        case ThinkingPart():
            yield Fact(path, "thinking", (part.text, *_signed(part.signature, part.dialect)))
        case RedactedThinkingPart():
            yield Fact(path, "redacted thinking", (part.data, part.dialect))
        case RefusalPart():
            yield Fact(path, "refusal", part.text)
        case ToolCallPart():
            link = links.setdefault(part.id, len(links))
            links.names[part.id] = part.name
            yield Fact(path, "call", (link, part.name, _json(part.arguments), part.custom))
        case ToolResultPart():
            yield from _result(part, path, links)
        case ForeignPart():
            yield Fact(path, "foreign part", (part.kind, plain_value(part.raw)))
        case _:
            yield from _medium(part, path, role, links)


def _medium(part: ImagePart | DocumentPart | AudioPart, path: str, role: str, links: Links) -> Iterator[Fact]:
    match part:
        case ImagePart():
            yield Fact(path, "image", _source(part.source))
            if part.detail != "auto":
                yield from if_set(Fact(f"{path}.detail", "detail", part.detail))
        case DocumentPart():
            yield from _document(part, path, role, links)
        case AudioPart():
            yield Fact(path, "audio", (part.id, part.data, part.format, part.transcript))


def _signed(signature: str | None, dialect: str | None) -> tuple[str | None, ...]:
    """A signature and whose it is, also where it travels with the dialect's name before it."""
    if signature and signature.startswith("asbru:"):
        _, dialect, signature = signature.split(":", 2)
    if dialect == "bedrock_converse":
        dialect = "anthropic_messages"  # only Claude signs there, and its signatures are good in both
    return (signature, dialect) if signature else ()


def _result(part: ToolResultPart, path: str, links: Links) -> Iterator[Fact]:
    link = links.setdefault(part.call_id, len(links))
    yield Fact(path, "result", link)
    yield from of_parts(part.parts, path, f"result {link}", links)
    if part.is_error:
        yield Fact(f"{path}.is_error", "is_error", link)
    if part.name != links.names.get(part.call_id):  # else its call tells it
        yield from if_set(Fact(f"{path}.name", "name", part.name))


def _document(part: DocumentPart, path: str, role: str, links: Links) -> Iterator[Fact]:
    if part.source is not None:
        yield Fact(path, "document", _source(part.source))
    if part.text is not None:
        yield Fact(path, "document", part.text)
    yield from of_parts(part.parts or (), path, role, links)
    yield from if_set(Fact(f"{path}.title", "title", part.title))
    yield from if_set(Fact(f"{path}.context", "context", part.context))
    yield from if_set(Fact(f"{path}.citations", "citations", plain_value(part.citations)))


def _what(part: Part) -> str:
    """What a cache mark stands on."""
    return type(part).__name__


def _source(source: MediaSource) -> tuple[Any, ...]:
    if source.url is not None and source.url.startswith("data:"):
        head, _, data = source.url.partition(",")
        return ("data", data, head[5:].split(";")[0])
    if source.data is not None:
        return ("data", source.data, source.media_type)
    return ("url", source.url) if source.url is not None else ("file", source.file_id)


def if_set(fact: Fact) -> list[Fact]:
    return [] if fact.value is None else [fact]


def of_extra(extra: dict[str, Any], path: str) -> Iterator[Fact]:
    for name, raw in extra.items():
        if name != BORDER:
            yield Fact(f"{path}.{name}" if path else name, "extra", (name, plain_value(raw)))


def plain_value(value: Any) -> Any:
    return json.loads(bytes(value)) if value is not None and type(value).__name__ == "Raw" else value


def _json(arguments: str) -> Any:
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        return arguments
