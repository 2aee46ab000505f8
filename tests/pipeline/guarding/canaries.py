"""Canaries: a word in one string of a body after the other, and the stage of a rule that looks for it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from asbru.core.reply import StreamEvent
from asbru.guardrails import PLACES, GuardrailRule
from asbru.guardrails.engine import RuleSet
from asbru.pipeline.guarding.stage import GuardStage

CANARY = "canary ghp_0000"
NO_TEXT = frozenset(
    (
        *("type", "id", "model", "role", "mode", "format", "detail", "ttl", "status", "data", "signature", "effort"),
        *("service_tier", "tool_choice", "name", "call_id", "tool_call_id", "tool_use_id", "file_id", "file_data"),
        *("fileUri", "mimeType", "image_url", "url", "thoughtSignature", "encrypted_content", "reasoning_effort"),
        *("thinkingLevel", "allowedFunctionNames", "function_call", "prompt_cache_key", "media_type", "display"),
        *("bytes", "uri", "toolUseId", "redactedContent", "anthropic_version", "nullValue"),
    )
)
"""Members that are no text of anyone's: ids, names that are looked up, encoded data (addresses here are `data:`)."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where strings are."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def planted(body: Any, path: tuple[Any, ...]) -> Any:
    """The body with a canary in one place."""
    changed = copy.deepcopy(body)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = f"{at[path[-1]]} {CANARY}"
    return changed


def member_of(path: tuple[Any, ...]) -> str:
    """The name of the member that a string stands in."""
    return next(step for step in reversed(path) if isinstance(step, str))


def stage(**rule: Any) -> GuardStage:
    """That of a call with one rule, which looks for the canary everywhere."""
    declared = {"name": "r", "checks": [{"regex": {"patterns": {"bird": "canary"}}}], "places": list(PLACES), **rule}
    rule_set = RuleSet([msgspec.convert(declared, GuardrailRule)], b"key")
    call: Any = SimpleNamespace(notes=(), guarded=None)
    return GuardStage(call, rule_set.rules, rule_set, cast("Any", None))


def now(work: Any) -> Any:
    """The result of what awaits nothing."""
    with pytest.raises(StopIteration) as done:
        work.send(None)
    return done.value.value


def through(one: GuardStage, events: Sequence[StreamEvent]) -> list[StreamEvent]:
    """What a caller gets of a stream that comes event by event."""
    return [new for event in events for new in one.events([event])]
