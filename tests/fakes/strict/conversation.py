"""What the providers of chat completions agree on: the order of roles, and results for every tool call.

The words differ between them, so they are given by who calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ROLES = ("system", "developer", "user", "assistant", "tool")


@dataclass(frozen=True)
class Unanswered:
    """Tool calls of message `at` without a result right after it."""

    at: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Orphan:
    """A tool result at `at` that answers no call before it."""

    at: int


def faults(messages: list[dict[str, Any]]) -> Iterator[Unanswered | Orphan]:
    """Where calls and results do not fit, in the order of the conversation."""
    open_ids: list[str] = []
    asked_at = 0
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_ids:
                yield Orphan(at)
            else:
                open_ids.remove(message["tool_call_id"])
            continue
        if open_ids:
            yield Unanswered(asked_at, tuple(open_ids))
        calls = message.get("tool_calls") or () if message["role"] == "assistant" else ()
        open_ids, asked_at = [call["id"] for call in calls], at
    if open_ids:
        yield Unanswered(asked_at, tuple(open_ids))


def parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The content parts of a message; none where its content is a string."""
    content = message.get("content")
    return content if isinstance(content, list) else []


def tools_of(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The function tools of a request, each its `function` object."""
    return [tool.get("function") or {} for tool in asked.get("tools") or ()]


def calls_of(asked: dict[str, Any]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Every tool call of the history: the message's place, the call's place in it, the call."""
    for at, message in enumerate(asked["messages"]):
        for number, call in enumerate(message.get("tool_calls") or ()):
            yield at, number, call
