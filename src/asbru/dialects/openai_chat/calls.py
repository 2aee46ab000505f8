"""Tool calls of one choice, put together from fragments that providers number as they please.

| the fragment has                                | it belongs to                                           |
|--|--|
| an id known already                             | that call                                               |
| a new id and a name                             | a new call, even at a known index (shared index)        |
| a new id, no name, a known index                | the call at that index (ids renewed per fragment)       |
| no id, a known index                            | the call there; a new one if it names another function, |
|                                                 | or the same again after arguments that are complete     |
| no id, no index, a name                         | a new call                                              |
| no id, no index, no name                        | the last call                                           |

Calls stay open until the choice ends, so fragments may interleave. A call without an id gets one.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from asbru.core.chat import Extra, Raw, ToolCallPart
from asbru.core.reply import PartDelta, PartStart, PartStop, StreamEvent
from asbru.dialects.fields import Fields
from asbru.dialects.openai_chat.parts import read_arguments


class _Call:
    __slots__ = ("arguments", "custom", "id", "name", "part")

    def __init__(self, part: int, call_id: str, name: str, custom: bool) -> None:
        self.part = part
        self.id = call_id
        self.name = name
        self.custom = custom
        self.arguments: list[str] = []


class _Fragment:
    """One item of `tool_calls` in a delta."""

    __slots__ = ("arguments", "custom", "extra", "id", "index", "name")

    def __init__(self, item: Fields) -> None:
        self.index = item.integer("index")
        self.id = item.text("id") or ""
        kind = item.text("type")
        custom, function = item.child("custom"), item.child("function")
        self.custom = kind == "custom" or (custom is not None and function is None)
        inner = custom if self.custom else function
        self.name = (inner.text("name") if inner is not None else None) or ""
        if inner is None:
            self.arguments = ""
        else:
            self.arguments = inner.text("input") or "" if self.custom else read_arguments(inner)
        self.extra: Extra = item.rest_set()


class Calls:
    """The calls of one choice; `claim` gives the next part index."""

    __slots__ = ("_by_id", "_by_index", "_calls", "_choice", "_claim", "_fallback_id")

    def __init__(self, choice: int, fallback_id: str, claim: Callable[[], int]) -> None:
        self._choice = choice
        self._fallback_id = fallback_id
        self._claim = claim
        self._calls: list[_Call] = []
        self._by_id: dict[str, _Call] = {}
        self._by_index: dict[int, _Call] = {}

    @property
    def seen(self) -> bool:
        """Whether the choice has called a tool."""
        return bool(self._calls)

    def extend(self, index: int, arguments: str) -> PartDelta | None:
        """More arguments for the call at `index`, from a fragment that says nothing else; None if there is none."""
        call = self._by_index.get(index)
        if call is None:
            return None
        call.arguments.append(arguments)
        return PartDelta(index=call.part, choice=self._choice, text=arguments)

    def read(self, delta: Fields) -> list[StreamEvent]:
        """The events of a delta's `tool_calls` (or legacy `function_call`)."""
        out: list[StreamEvent] = []
        for item in delta.children("tool_calls") or ():
            self._take(_Fragment(item), out)
        legacy = delta.child("function_call")
        if legacy is not None and not out:
            function = Raw(msgspec.json.encode(legacy.rest()))
            self._take(_Fragment(delta.as_object(_wrap(function), "function_call")), out)
        return out

    def _take(self, fragment: _Fragment, out: list[StreamEvent]) -> None:
        call = self._find(fragment)
        if call is None:
            if not (fragment.name or fragment.id or fragment.arguments):
                return
            call = self._open(fragment, out)
        if fragment.index is not None:
            self._by_index[fragment.index] = call
        if fragment.arguments:
            call.arguments.append(fragment.arguments)
            out.append(PartDelta(index=call.part, choice=self._choice, text=fragment.arguments))

    def _find(self, fragment: _Fragment) -> _Call | None:
        known = self._by_id.get(fragment.id) if fragment.id else None
        if known is not None:
            return known
        if fragment.id and fragment.name:
            return None
        if fragment.index is not None:
            there = self._by_index.get(fragment.index)
            return None if there is not None and self._begins_anew(there, fragment) else there
        if fragment.name:
            return None
        return self._calls[-1] if self._calls else None

    @staticmethod
    def _begins_anew(there: _Call, fragment: _Fragment) -> bool:
        if not fragment.name:
            return False
        return fragment.name != there.name or _is_whole("".join(there.arguments))

    def _open(self, fragment: _Fragment, out: list[StreamEvent]) -> _Call:
        made_id = fragment.id or f"{self._fallback_id}_{len(self._calls)}"
        call = _Call(self._claim(), made_id, fragment.name, fragment.custom)
        self._calls.append(call)
        self._by_id[made_id] = call
        part = ToolCallPart(
            id=made_id, name=fragment.name, arguments="", custom=fragment.custom, extra=fragment.extra
        )
        out.append(PartStart(index=call.part, part=part, choice=self._choice))
        return call

    def close(self) -> list[StreamEvent]:
        """Stops for all of them, in order."""
        return [PartStop(index=call.part, choice=self._choice) for call in self._calls]


def _wrap(function: Raw) -> Raw:
    return Raw(b'{"index":-1,"function":' + bytes(function) + b"}")


def _is_whole(arguments: str) -> bool:
    try:
        msgspec.json.decode(arguments.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
