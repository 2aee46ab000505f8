"""The texts of requests and replies, by place, and the same requests and replies with other texts in them.

Every text that a value holds is visited, whatever field it is in: what has no text in it is named here (ids, kinds,
signatures, encoded data), so that a field that is new is looked at.

    input              messages, system text, documents, metadata, schemas, and whatever else goes in
    output             what a reply says, its reasoning too
    tool_arguments     of calls of tools: each text in the JSON
    tool_results       what tools returned
    tool_descriptions  tools, as they are described to the model
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast

import msgspec

from asbru.core.chat import (
    Choice,
    ForeignTool,
    MediaSource,
    Raw,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from asbru.core.reply import ChatReply, ChoiceStop, ReplyStart
from asbru.guardrails import Place

Visit: TypeAlias = "Callable[[str, Place], str]"
T = TypeVar("T")

_NO_TEXT = frozenset(
    (
        *(
            "id",
            "call_id",
            "file_id",
            "model",
            "dialect",
            "kind",
            "type",
            "object",
            "role",
            "status",
            "format",
            "detail",
        ),
        *("media_type", "ttl", "signature", "data", "encrypted_content", "effort", "mode", "display", "service_tier"),
        *("citations_dialect", "raw_stop", "finish_reason", "logit_bias", "prompt_cache_key", "tool_choice"),
        "system_fingerprint",
    )
)
"""Fields and members without text of anyone's: names that are looked up, and data that only a program reads. Members
whose value is an object, or holds objects, are looked into all the same: a schema may have a property of that name."""
_OPAQUE = frozenset(("logit_bias", "tool_choice"))
"""Of these, those whose objects hold only names and numbers."""
_OPENING = b"{["
_FREE = frozenset(("metadata", "client_metadata", "json", "input", "args"))
"""Members whose own members callers, tools or models name: all of them are texts."""
_NAMES = (Tool, ToolCallPart, ToolResultPart)
"""Whose `name` is that of a tool, by which it is called."""
_NOT_OF: Mapping[type, frozenset[str]] = {
    Choice: frozenset(("logprobs", "stop", "stop_sequence")),
    ChatReply: frozenset(("usage",)),
    ReplyStart: frozenset(("usage",)),
    ChoiceStop: frozenset(("stop", "stop_sequence")),
}
"""More of them, where the same name is a text elsewhere."""
_PLACES: Mapping[type, Place] = {
    ToolCallPart: "tool_arguments",
    ToolResultPart: "tool_results",
    Tool: "tool_descriptions",
    ForeignTool: "tool_descriptions",
}
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w.+-]+=[\w.+-]+)*;base64,")
_ENCODED_CHARS_MIN = 256
"""Below it a data URL is looked at like any text: it costs nothing, and a word before a secret does not hide it."""


def is_encoded(text: str) -> bool:
    """Whether all of a text is a data URL in base64, such as an image."""
    if len(text) < _ENCODED_CHARS_MIN or not text.startswith("data:"):
        return False
    head = _DATA_URL.match(text, 0, _ENCODED_CHARS_MIN)
    if head is None:
        return False
    try:
        binascii.a2b_base64(text[head.end() :], strict_mode=True)
    except ValueError:
        return False
    return True


def has_text(member: str, value: Any = None) -> bool:
    """Whether a member called like that, with that value, may hold a text."""
    return member not in _NO_TEXT or (member not in _OPAQUE and _has_objects(value))


def visit_texts(value: T, place: Place, visit: Visit) -> T:
    """`value` with each text replaced by what `visit` makes of it; the same object where nothing changes."""
    return cast("T", _visited(value, place, visit))


def _visited(value: Any, place: Place, visit: Visit) -> Any:
    kind = cast("type[object]", type(value))
    if kind is str:
        return visit(value, place) if value else value
    if kind is tuple:
        return _visited_tuple(value, place, visit)
    if isinstance(value, msgspec.Struct):
        return _visited_struct(value, _PLACES.get(kind, place), visit)
    if kind is Raw:
        return _visited_raw(value, place, visit)
    if kind is dict:
        return _visited_members(value, place, visit)
    return value


def _visited_tuple(value: tuple[Any, ...], place: Place, visit: Visit) -> tuple[Any, ...]:
    items = tuple([_visited(one, place, visit) for one in value])
    return value if all(new is old for new, old in zip(items, value, strict=True)) else items


def _visited_struct(value: msgspec.Struct, place: Place, visit: Visit) -> msgspec.Struct:
    if isinstance(value, ThinkingPart) and value.signature is not None and place != "output":
        return value  # what a signature proves cannot change; it is the model's own, and goes back to who made it
    changed: dict[str, Any] = {}
    for name in _fields(type(value)):
        old: Any = getattr(value, name)
        if old is None:
            continue
        if isinstance(value, MediaSource) and is_encoded(old):
            continue
        if name == "arguments":
            new: Any = visit_json(old, place, visit)
        else:
            new = _visited(old, place, visit)
        if new is not old:
            changed[name] = new
    if not changed:
        return value
    if isinstance(value, Choice) and value.logprobs is not None:
        changed["logprobs"] = None  # they tell the text as it was
    return msgspec.structs.replace(value, **changed)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a Struct that may hold texts."""
    without = _NO_TEXT | {"name"} if issubclass(kind, _NAMES) else _NO_TEXT
    without |= _NOT_OF.get(kind, frozenset())
    hints = msgspec.structs.fields(kind)
    return tuple(one.name for one in hints if one.name not in without and one.type not in _NUMBERS)


_NUMBERS = (int, float, bool, int | None, float | None, bool | None)


def visit_json(text: str, place: Place, visit: Visit) -> str:
    """JSON text with each text in it visited, names too; what is no JSON is visited as it stands. Written anew only
    where something changes."""
    if not text:
        return text
    try:
        value: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return visit(text, place)
    new = _visited_json(value, place, visit, names=True)
    return text if new is value else msgspec.json.encode(new).decode()


def _visited_raw(value: Raw, place: Place, visit: Visit, *, names: bool = False) -> Raw:
    text = bytes(value)
    if b'"' not in text:
        return value
    read: Any = msgspec.json.decode(text)
    new = _visited_json(read, place, visit, names=names)
    return value if new is read else Raw(msgspec.json.encode(new))


def _visited_json(value: Any, place: Place, visit: Visit, *, names: bool = False) -> Any:
    if isinstance(value, str):
        return value if not value or is_encoded(value) else visit(value, place)
    if isinstance(value, list):
        items = [_visited_json(one, place, visit, names=names) for one in cast("list[Any]", value)]
        old = cast("list[Any]", value)
        return old if all(new is before for new, before in zip(items, old, strict=True)) else items
    if isinstance(value, dict):
        return _visited_members(cast("dict[str, Any]", value), place, visit, names=names)
    return value


def _visited_members(value: dict[str, Any], place: Place, visit: Visit, *, names: bool = False) -> dict[str, Any]:
    """The members of an object. `names`: they are someone's text as well, and none is without."""
    changed = False
    members: dict[str, Any] = {}
    for name, old in value.items():
        own = visit(name, place) if names and name else name
        if not names and not has_text(name, old):
            new = old
        elif isinstance(old, Raw):
            new = _visited_raw(old, place, visit, names=name in _FREE)
        else:
            new = _visited_json(old, place, visit, names=names or name in _FREE)
        changed = changed or new is not old or own is not name
        members[own] = new
    return members if changed else value


def _has_objects(value: Any) -> bool:
    """Whether a value is an object, or a list that holds one."""
    if isinstance(value, Raw):
        return memoryview(value)[0] in _OPENING and _has_objects(msgspec.json.decode(value))
    if isinstance(value, list):
        return any(_has_objects(one) for one in cast("list[Any]", value))
    return isinstance(value, dict)


class Texts:
    """The texts of a value by place, and the value with others in their places."""

    __slots__ = ("_base", "_value", "by_place")

    def __init__(self, value: Any, base: Place) -> None:
        self._value = value
        self._base: Place = base
        self.by_place: dict[Place, list[str]] = {}
        visit_texts(value, base, self._gather)

    def _gather(self, text: str, place: Place) -> str:
        self.by_place.setdefault(place, []).append(text)
        return text

    def replaced(self, texts: Mapping[Place, list[str]]) -> Any:
        """The value with `texts` in place of those of some places, as many as there were."""
        left = {place: iter(found) for place, found in texts.items()}

        def next_of(text: str, place: Place) -> str:
            following = left.get(place)
            new = text if following is None else next(following)
            return text if new == text else new  # the same object: JSON that holds it is not written anew

        return visit_texts(self._value, self._base, next_of)
