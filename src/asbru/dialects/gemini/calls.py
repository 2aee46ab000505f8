"""Ids of calls: this API gives them to some calls only, and its clients match a result to its call by name.

A call without an id gets one made of its place, the same for the same conversation; a result without one answers the
first call of its name that has no result yet. Not here: ids of replies, which are made of the reply's own id.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from asbru.core.chat import Extra, Raw
from asbru.dialects.gemini.types import MARK

NO_ID: Final[Extra] = {MARK: Raw(b'"id"')}
"""In the `extra` of a call or a result: it came without an id."""
_NOT_IN_IDS: Final = re.compile(r"[^a-zA-Z0-9_-]")
_REPLY_ID_CHARS_MAX: Final = 24


class Calls:
    """The calls of a conversation so far. `prefix` begins the ids that are made."""

    __slots__ = ("_made", "_names", "_open", "_prefix")

    def __init__(self, reply_id: str = "") -> None:
        words = _NOT_IN_IDS.sub("_", reply_id)[:_REPLY_ID_CHARS_MAX]
        self._prefix = f"call_{words}_" if words else "call_"
        self._made = 0
        self._names: dict[str, str] = {}
        self._open: dict[str, deque[str]] = {}

    def asked(self, call_id: str | None, name: str) -> str:
        """The id of the next call."""
        found = call_id or self._make()
        self._names[found] = name
        self._open.setdefault(name, deque()).append(found)
        return found

    def answered(self, call_id: str | None, name: str) -> str:
        """The id of the call that a result answers."""
        waiting = self._open.get(name)
        if call_id:
            if waiting and call_id in waiting:
                waiting.remove(call_id)
            return call_id
        return waiting.popleft() if waiting else self._make()

    def name_of(self, call_id: str) -> str | None:
        """The name of the function that a call asked for; None for a call that is not in the conversation."""
        return self._names.get(call_id)

    def _make(self) -> str:
        made = f"{self._prefix}{self._made}"
        while made in self._names:
            self._made += 1
            made = f"{self._prefix}{self._made}"
        self._made += 1
        return made
