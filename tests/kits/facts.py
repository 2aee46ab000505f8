"""What a request or a reply says, as a list of facts that every dialect's form of it must hold or name in a note.

A fact is a kind and a value, with the path by which notes speak of it. Facts have no place: dialects order and group
messages and parts differently. What says the same gives the same fact: a data URL and base64, no arguments and `{}`, a
default written out and left out. Texts are compared by being held, for some dialects join them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tests.kits.part_facts import BORDER, Fact, Links, if_set, of_extra, of_parts, plain_value

from asbru.core.chat import (
    ChatRequest,
    Choice,
    ForeignTool,
    Reasoning,
    RefusalPart,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from asbru.core.notes import Note
from asbru.core.reply import ChatReply
from asbru.core.usage import Usage

DEFAULTS = {"choices": 1, "frequency_penalty": 0, "presence_penalty": 0, "temperature": 1, "top_p": 1}
SETTINGS = (
    *("max_tokens", "temperature", "top_p", "top_k", "stop", "frequency_penalty", "presence_penalty", "seed"),
    *("choices", "logprobs", "top_logprobs", "logit_bias", "user", "service_tier", "stream"),
)
STOPS = {"stop_sequence": "stop", "pause": "stop", "context_window": "length"}
"""What a dialect says that lacks the finer word."""


TIERS = {"default": "standard"}
"""Two words for what a reply was served with unless asked otherwise."""


def of_request(request: ChatRequest) -> list[Fact]:
    """The facts of a request."""
    facts = [Fact("", "model", request.model)]
    links = Links()
    for n, message in enumerate(request.messages):
        path = f"messages[{n}]"
        role = {"developer": "system"}.get(message.role, message.role)
        facts += of_parts(message.parts, path, role, links)
        facts += if_set(Fact(f"{path}.name", "name", message.name))
        facts += of_extra(message.extra, path)
    for n, tool in enumerate(request.tools or ()):
        facts += _tool(tool, f"tools[{n}]")
    for name in SETTINGS:
        value = plain_value(getattr(request, name))
        if value not in (None, False, (), [], DEFAULTS.get(name)):
            facts.append(Fact(name, name, value))
    if request.parallel_tool_calls is False and any(isinstance(tool, Tool) for tool in request.tools or ()):
        facts.append(Fact("parallel_tool_calls", "parallel_tool_calls", False))
    if request.tools or (
        request.tool_choice is not None and request.tool_choice.mode != "none"
    ):  # else there is none
        facts += _choice_of_tool(request.tool_choice)
    facts += _format(request.response_format)
    facts += _reasoning(request.reasoning)
    facts += _members(request.extra)
    return facts


def _members(extra: dict[str, Any]) -> Iterator[Fact]:
    """The unknown members of a request. What the Responses API says in `text`, chat says outside of it; what is not to
    be stored is nothing to say."""
    for fact in of_extra(extra, ""):
        name, value = fact.value
        if name == "text" and isinstance(value, dict):
            yield from (Fact(f"text.{inner}", "extra", (inner, one)) for inner, one in value.items())
        elif (name, value) != ("store", False):
            yield fact


def of_reply(reply: ChatReply) -> list[Fact]:
    """The facts of a reply. What rides along in a choice and in the whole are told apart by no dialect alike."""
    facts = [Fact("id", "id", reply.id), Fact("model", "model", reply.model)]
    facts += if_set(Fact("service_tier", "service_tier", TIERS.get(reply.service_tier or "", reply.service_tier)))
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


# --- the rest of a request ------------------------------------------------------------------------------


def _tool(tool: Tool | ForeignTool, path: str) -> Iterator[Fact]:
    if isinstance(tool, ForeignTool):
        yield Fact(path, "foreign tool", (tool.kind, plain_value(tool.raw)))
        return
    yield Fact(path, "tool", (tool.name, tool.description))
    schema = plain_value(tool.parameters) or {}
    if schema.get("properties") or len(schema) > 2:
        yield Fact(f"{path}.parameters", "schema", (tool.name, {"type": "object", **schema}))
    if tool.strict:
        yield Fact(f"{path}.strict", "strict", tool.name)
    if tool.cache is not None:
        yield Fact(f"{path}.cache", "cache", (tool.name, tool.cache.kind, tool.cache.ttl))
        yield from of_extra(tool.cache.extra, f"{path}.cache")
    yield from of_extra(tool.extra, path)


def _choice_of_tool(choice: ToolChoice | None) -> Iterator[Fact]:
    if choice is not None and choice.mode != "auto":
        yield Fact("tool_choice", "tool_choice", (choice.mode, choice.name, plain_value(choice.raw)))


def _format(form: ResponseFormat | None) -> Iterator[Fact]:
    if form is None:
        return
    if form.kind != "text":
        yield Fact("response_format", "response_format", (form.kind, plain_value(form.schema)))
    for name in ("name", "description"):
        yield from if_set(Fact(f"response_format.{name}", f"format's {name}", getattr(form, name)))
    if form.strict is False:
        yield Fact("response_format.strict", "format's strict", form.strict)
    yield from of_extra(form.extra, "response_format")


def _reasoning(reasoning: Reasoning | None) -> Iterator[Fact]:
    if reasoning is None:
        return
    yield Fact("reasoning", "thinks", reasoning.mode != "disabled" and reasoning.effort != "none")
    for name in ("effort", "budget_tokens", "display"):
        yield from if_set(Fact(f"reasoning.{name}", name, getattr(reasoning, name)))
    for name, raw in reasoning.extra.items():
        for member in plain_value(raw) if name in ("reasoning", "thinking") else ():
            yield Fact(f"{name}.{member}", "extra", member)
        if name not in ("reasoning", "thinking", BORDER):
            yield Fact(f"reasoning.{name}", "extra", name)


# --- the rest of a reply --------------------------------------------------------------------------------


def _choice(choice: Choice, path: str) -> Iterator[Fact]:
    links = Links()
    yield from of_parts(choice.parts, path, path, links)
    if choice.stop is not None:
        refusals = [k for k, part in enumerate(choice.parts) if isinstance(part, RefusalPart)]
        if refusals and choice.stop == "stop":  # it stopped by refusing, and a note about that speaks of both
            yield Fact(f"{path}.parts[{refusals[0]}]", "stop", (path, "refusal"))
        else:
            yield Fact(f"{path}.stop", "stop", (path, STOPS.get(choice.stop, choice.stop)))
    yield from if_set(Fact(f"{path}.stop_sequence", "stop_sequence", choice.stop_sequence))
    if choice.logprobs is not None:
        yield Fact(f"{path}.logprobs", "logprobs", plain_value(choice.logprobs))
    yield from _reply_extra(choice.extra, path)


def _reply_extra(extra: dict[str, Any], path: str) -> Iterator[Fact]:
    """Members that hold objects fact by fact: a stream tells some of them early and some late."""
    for name, raw in extra.items():
        value = plain_value(raw)
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
