"""What a request or a reply says, as a list of facts that every dialect's form of it must hold or name in a note.

A fact is a kind and a value, with the path by which notes speak of it. Facts have no place: dialects order and group
messages and parts differently. What says the same gives the same fact: a data URL and base64, no arguments and `{}`, a
default written out and left out. Texts are compared by being held, for some dialects join them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from asbru.core.chat import (
    AudioPart,
    ChatRequest,
    Choice,
    DocumentPart,
    ForeignPart,
    ForeignTool,
    ImagePart,
    MediaSource,
    Part,
    Reasoning,
    RedactedThinkingPart,
    RefusalPart,
    ResponseFormat,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from asbru.core.notes import Note
from asbru.core.reply import ChatReply
from asbru.core.usage import Usage

DEFAULTS = {"choices": 1, "frequency_penalty": 0, "presence_penalty": 0, "temperature": 1, "top_p": 1}
SETTINGS = (
    *("max_tokens", "temperature", "top_p", "top_k", "stop", "frequency_penalty", "presence_penalty", "seed"),
    *("choices", "logprobs", "top_logprobs", "logit_bias", "user", "service_tier", "stream"),
)
SPELLING = ("member", "type", "format", "index")
"""How a thinking part was spelled: no fact."""

STOPS = {"stop_sequence": "stop", "pause": "stop", "context_window": "length"}
"""What a dialect says that lacks the finer word."""


TIERS = {"default": "standard"}
"""Two words for what a reply was served with unless asked otherwise."""


class Fact(NamedTuple):
    """`path` is where notes about it point; the rest is what is compared."""

    path: str
    kind: str
    value: Any


def of_request(request: ChatRequest) -> list[Fact]:
    """The facts of a request."""
    facts = [Fact("", "model", request.model)]
    links: dict[str, int] = {}
    for n, message in enumerate(request.messages):
        path = f"messages[{n}]"
        role = {"developer": "system"}.get(message.role, message.role)
        facts += _parts(message.parts, path, role, links)
        facts += _set(Fact(f"{path}.name", "name", message.name))
        facts += _extra(message.extra, path)
    for n, tool in enumerate(request.tools or ()):
        facts += _tool(tool, f"tools[{n}]")
    for name in SETTINGS:
        value = _plain(getattr(request, name))
        if value not in (None, False, DEFAULTS.get(name)):
            facts.append(Fact(name, name, value))
    if request.parallel_tool_calls is False and any(isinstance(tool, Tool) for tool in request.tools or ()):
        facts.append(Fact("parallel_tool_calls", "parallel_tool_calls", False))
    facts += _choice_of_tool(request.tool_choice)
    facts += _format(request.response_format)
    facts += _reasoning(request.reasoning)
    facts += _extra(request.extra, "")
    return facts


def of_reply(reply: ChatReply) -> list[Fact]:
    """The facts of a reply. What rides along in a choice and in the whole are told apart by no dialect alike."""
    facts = [Fact("id", "id", reply.id), Fact("model", "model", reply.model)]
    facts += _set(Fact("service_tier", "service_tier", TIERS.get(reply.service_tier or "", reply.service_tier)))
    facts += _usage(reply.usage)
    facts += _reply_extra(reply.extra, "")
    for n, choice in enumerate(reply.choices):
        facts += _choice(choice, f"choices[{n}]")
    return facts


def same_reply(before: ChatReply, after: ChatReply) -> None:
    """Two replies of one dialect say the same."""
    assert after.dialect == before.dialect
    assert after.created_s == before.created_s
    assert [choice.index for choice in after.choices] == [choice.index for choice in before.choices]
    missing = [fact for fact in of_reply(before) if not _held(fact, of_reply(after))]
    gained = [fact for fact in of_reply(after) if not _held(fact, of_reply(before))]
    gained = [fact for fact in gained if before.usage is not None or fact.kind != "usage"]  # shown as 0 by some
    assert (missing, gained) == ([], [])
    assert [_kinds(choice) for choice in after.choices] == [_kinds(choice) for choice in before.choices]


def lost(before: Iterable[Fact], after: Sequence[Fact]) -> list[Fact]:
    """The facts of `before` that `after` does not hold."""
    return [fact for fact in before if not _held(fact, after)]


def is_noted(fact: Fact, notes: Iterable[Note]) -> bool:
    """Whether a note speaks of this fact, of what holds it, or of what is in it."""
    return any(_within(fact.path, note.field) or _within(note.field, fact.path) for note in notes)


def is_named(fact: Fact, notes: Iterable[Note]) -> bool:
    """Whether a note names the kind of fact: notes of a stream have no paths, for they are made once a kind."""
    words = {fact.kind.split()[-1], fact.path.rpartition(".")[2], fact.path}
    return any(word and word in note.field for note in notes for word in words) or is_noted(fact, notes)


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def _held(fact: Fact, facts: Sequence[Fact]) -> bool:
    same = [other.value for other in facts if other.kind == fact.kind]
    if fact.kind == "text":
        role, text = fact.value
        return any(role == other[0] and text in other[1] for other in same)
    return fact.value in same


def _kinds(choice: Choice) -> list[str]:
    return [type(part).__name__ for part in choice.parts]


# --- parts ----------------------------------------------------------------------------------------------


def _parts(parts: Iterable[Part], path: str, role: str, links: dict[str, int]) -> Iterator[Fact]:
    for k, part in enumerate(parts):
        where = f"{path}.parts[{k}]"
        yield from _part(part, where, role, links)
        cache = getattr(part, "cache", None)
        if cache is not None:
            yield Fact(f"{where}.cache", "cache", (_what(part), cache.kind, cache.ttl))
            yield from _extra(cache.extra, f"{where}.cache")
        extra = getattr(part, "extra", {})
        if isinstance(part, (ThinkingPart, RedactedThinkingPart)):
            extra = {name: raw for name, raw in extra.items() if name not in SPELLING}
        yield from _extra(extra, where)


def _part(part: Part, path: str, role: str, links: dict[str, int]) -> Iterator[Fact]:
    match part:
        case TextPart():
            if part.text.strip():
                yield Fact(path, "text", (role, part.text))
            if part.citations is not None and _plain(part.citations):
                yield Fact(f"{path}.citations", "citations", _plain(part.citations))
        case ThinkingPart():
            yield Fact(path, "thinking", (part.text, *_signed(part.signature, part.dialect)))
        case RedactedThinkingPart():
            yield Fact(path, "redacted thinking", (part.data, part.dialect))
        case RefusalPart():
            yield Fact(path, "refusal", part.text)
        case ToolCallPart():
            link = links.setdefault(part.id, len(links))
            yield Fact(path, "call", (link, part.name, _json(part.arguments), part.custom))
        case ToolResultPart():
            yield from _result(part, path, links)
        case ForeignPart():
            yield Fact(path, "foreign part", (part.kind, _plain(part.raw)))
        case _:
            yield from _medium(part, path, role, links)


def _medium(
    part: ImagePart | DocumentPart | AudioPart, path: str, role: str, links: dict[str, int]
) -> Iterator[Fact]:
    match part:
        case ImagePart():
            yield Fact(path, "image", _source(part.source))
            if part.detail != "auto":
                yield from _set(Fact(f"{path}.detail", "detail", part.detail))
        case DocumentPart():
            yield from _document(part, path, role, links)
        case AudioPart():
            yield Fact(path, "audio", (part.id, part.data, part.format, part.transcript))


def _signed(signature: str | None, dialect: str | None) -> tuple[str | None, ...]:
    """A signature and whose it is, also where it travels with the dialect's name before it."""
    if signature and signature.startswith("asbru:"):
        _, dialect, signature = signature.split(":", 2)
    return (signature, dialect) if signature else ()


def _result(part: ToolResultPart, path: str, links: dict[str, int]) -> Iterator[Fact]:
    link = links.setdefault(part.call_id, len(links))
    yield Fact(path, "result", link)
    yield from _parts(part.parts, path, f"result {link}", links)
    if part.is_error:
        yield Fact(f"{path}.is_error", "is_error", link)
    yield from _set(Fact(f"{path}.name", "name", part.name))


def _document(part: DocumentPart, path: str, role: str, links: dict[str, int]) -> Iterator[Fact]:
    if part.source is not None:
        yield Fact(path, "document", _source(part.source))
    if part.text is not None:
        yield Fact(path, "document", part.text)
    yield from _parts(part.parts or (), path, role, links)
    yield from _set(Fact(f"{path}.title", "title", part.title))
    yield from _set(Fact(f"{path}.context", "context", part.context))
    yield from _set(Fact(f"{path}.citations", "citations", _plain(part.citations)))


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


# --- the rest of a request ------------------------------------------------------------------------------


def _tool(tool: Tool | ForeignTool, path: str) -> Iterator[Fact]:
    if isinstance(tool, ForeignTool):
        yield Fact(path, "foreign tool", (tool.kind, _plain(tool.raw)))
        return
    yield Fact(path, "tool", (tool.name, tool.description))
    schema = _plain(tool.parameters) or {}
    if schema.get("properties") or len(schema) > 2:
        yield Fact(f"{path}.parameters", "schema", (tool.name, {"type": "object", **schema}))
    if tool.strict:
        yield Fact(f"{path}.strict", "strict", tool.name)
    if tool.cache is not None:
        yield Fact(f"{path}.cache", "cache", (tool.name, tool.cache.kind, tool.cache.ttl))
        yield from _extra(tool.cache.extra, f"{path}.cache")
    yield from _extra(tool.extra, path)


def _choice_of_tool(choice: ToolChoice | None) -> Iterator[Fact]:
    if choice is not None and choice.mode != "auto":
        yield Fact("tool_choice", "tool_choice", (choice.mode, choice.name, _plain(choice.raw)))


def _format(form: ResponseFormat | None) -> Iterator[Fact]:
    if form is None:
        return
    if form.kind != "text":
        yield Fact("response_format", "response_format", (form.kind, _plain(form.schema)))
    for name in ("name", "description"):
        yield from _set(Fact(f"response_format.{name}", f"format's {name}", getattr(form, name)))
    if form.strict is False:
        yield Fact("response_format.strict", "format's strict", form.strict)
    yield from _extra(form.extra, "response_format")


def _reasoning(reasoning: Reasoning | None) -> Iterator[Fact]:
    if reasoning is None:
        return
    yield Fact("reasoning", "thinks", reasoning.mode != "disabled" and reasoning.effort != "none")
    for name in ("effort", "budget_tokens", "display"):
        yield from _set(Fact(f"reasoning.{name}", name, getattr(reasoning, name)))
    for name, raw in reasoning.extra.items():
        for member in _plain(raw) if name in ("reasoning", "thinking") else ():
            yield Fact(f"{name}.{member}", "extra", member)
        if name not in ("reasoning", "thinking"):
            yield Fact(f"reasoning.{name}", "extra", name)


# --- the rest of a reply --------------------------------------------------------------------------------


def _choice(choice: Choice, path: str) -> Iterator[Fact]:
    links: dict[str, int] = {}
    yield from _parts(choice.parts, path, path, links)
    if choice.stop is not None:
        refusals = [k for k, part in enumerate(choice.parts) if isinstance(part, RefusalPart)]
        if refusals and choice.stop == "stop":  # it stopped by refusing, and a note about that speaks of both
            yield Fact(f"{path}.parts[{refusals[0]}]", "stop", (path, "refusal"))
        else:
            yield Fact(f"{path}.stop", "stop", (path, STOPS.get(choice.stop, choice.stop)))
    yield from _set(Fact(f"{path}.stop_sequence", "stop_sequence", choice.stop_sequence))
    if choice.logprobs is not None:
        yield Fact(f"{path}.logprobs", "logprobs", _plain(choice.logprobs))
    yield from _reply_extra(choice.extra, path)


def _reply_extra(extra: dict[str, Any], path: str) -> Iterator[Fact]:
    """Members that hold objects fact by fact: a stream tells some of them early and some late."""
    for name, raw in extra.items():
        value = _plain(raw)
        at = f"{path}.{name}" if path else name
        for member, inner in value.items() if isinstance(value, dict) else ((None, value),):
            yield Fact(at, "extra", (name, member, inner))


def _usage(usage: Usage | None) -> Iterator[Fact]:
    if usage is None:
        return
    writes = usage.cache_write_5m + usage.cache_write_1h
    buckets = {
        "cache_read": usage.cache_read,
        "cache_write": writes,
        "cache_write_1h": usage.cache_write_1h,
        "audio_input": usage.audio_input,
        "reasoning": usage.reasoning,
        "audio_output": usage.audio_output,
        "input_total": usage.input_total,
        "output_total": usage.output_total,
    }
    for name, count in buckets.items():
        yield Fact(f"usage.{name}", "usage", (name, count))


# --- values ---------------------------------------------------------------------------------------------


def _set(fact: Fact) -> list[Fact]:
    return [] if fact.value is None else [fact]


def _extra(extra: dict[str, Any], path: str) -> Iterator[Fact]:
    for name, raw in extra.items():
        yield Fact(f"{path}.{name}" if path else name, "extra", (name, _plain(raw)))


def _plain(value: Any) -> Any:
    return json.loads(bytes(value)) if value is not None and type(value).__name__ == "Raw" else value


def _json(arguments: str) -> Any:
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except ValueError:
        return arguments
