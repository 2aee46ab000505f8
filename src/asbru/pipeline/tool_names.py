"""Names of tools in the letters and the length that a target takes: different names stay different, and each is known
again in the answer.

| the name                                       | is written as                                        |
|--|--|
| letters, digits, `_` and `-`, not too long     | it is                                                |
| any other                                      | what of it may stand, cut, and a digest of the whole |

A name depends on nothing but itself (unless two would meet), so that the same tool has the same name in every turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, TypeVar

import msgspec

from asbru.core.chat import ChatRequest, Message, Part, Tool, ToolCallPart, ToolResultPart
from asbru.core.notes import Note

_ALLOWED: Final = re.compile(r"[a-zA-Z0-9_-]+")
_OTHER: Final = re.compile(r"[^a-zA-Z0-9_-]")
_DIGEST_CHARS: Final = 8
P = TypeVar("P", bound=Part)


def fit_tool_names(request: ChatRequest, chars_max: int) -> tuple[ChatRequest, dict[str, str]]:
    """The request with names that the target takes, and for each written name that is another the caller's own; empty
    where all may stand."""
    names = _names_in(request)
    odd = [name for name in names if len(name) > chars_max or not _ALLOWED.fullmatch(name)]
    if not odd:
        return request, {}
    taken = names.keys() - set(odd)
    written: dict[str, str] = {}
    for name in odd:
        written[name] = _fitted(name, chars_max, taken)
        taken.add(written[name])
    return _renamed(request, written), {new: old for old, new in written.items()}


def notes_of(names: Mapping[str, str]) -> tuple[Note, ...]:
    """A note for each name that was written otherwise."""
    reason = "letters or a length that the target does not allow"
    return tuple(Note("changed", f"tool {old[:80]}", f"{new}: {reason}") for new, old in names.items())


def restored(part: P, names: Mapping[str, str]) -> P:
    """A part of an answer, with the name that the caller knows."""
    if isinstance(part, ToolCallPart) and part.name in names:
        return msgspec.structs.replace(part, name=names[part.name])
    return part


def _names_in(request: ChatRequest) -> dict[str, None]:
    """All names of tools, in the order in which they come, as keys."""
    names = dict.fromkeys(tool.name for tool in request.tools or () if isinstance(tool, Tool))
    choice = request.tool_choice
    if choice is not None and choice.name is not None:
        names[choice.name] = None
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolCallPart):
                names[part.name] = None
    return names


def _fitted(name: str, chars_max: int, taken: set[str]) -> str:
    digest = sha256(name.encode("utf-8", "replace")).hexdigest()
    start = _OTHER.sub("_", name)[: chars_max - _DIGEST_CHARS - 1]
    for at in range(len(digest) - _DIGEST_CHARS):
        found = f"{start}_{digest[at : at + _DIGEST_CHARS]}"
        if found not in taken:
            return found
    raise AssertionError("no two names have so many digests in common")


def _renamed(request: ChatRequest, written: Mapping[str, str]) -> ChatRequest:
    changed = msgspec.structs.replace
    tools = request.tools
    if tools is not None:
        tools = tuple(
            changed(tool, name=written.get(tool.name, tool.name)) if isinstance(tool, Tool) else tool
            for tool in tools
        )
    choice = request.tool_choice
    if choice is not None and choice.name is not None:
        choice = changed(choice, name=written.get(choice.name, choice.name))
    messages = tuple(_renamed_message(message, written) for message in request.messages)
    return changed(request, tools=tools, tool_choice=choice, messages=messages)


def _renamed_message(message: Message, written: Mapping[str, str]) -> Message:
    parts = tuple(_renamed_part(part, written) for part in message.parts)
    return message if parts == message.parts else msgspec.structs.replace(message, parts=parts)


def _renamed_part(part: Part, written: Mapping[str, str]) -> Part:
    if not isinstance(part, ToolCallPart | ToolResultPart) or part.name is None:
        return part
    return msgspec.structs.replace(part, name=written.get(part.name, part.name))
