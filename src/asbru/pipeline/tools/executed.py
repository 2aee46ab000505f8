"""What an agent loop has come to so far, and how the caller is told of it: the member `asbru` of the reply.

{"turns": 3, "stopped": null, "executed": [...]}      what was called, as messages of the caller's dialect
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw

from asbru.core.chat import ChatRequest, Message
from asbru.core.notes import Note
from asbru.core.traits import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asbru.core.chat import ToolCallPart, ToolResultPart
    from asbru.core.usage import Usage
    from asbru.pipeline.call import Call

MARK: Final = "asbru"
"""The member of a reply that tells of the loop."""
TURNS_MAX: Final = "turns_max"
ERROR: Final = "error"
NAMES_MAX: Final = 20
"""Of tools that a note names."""
_MESSAGES: Final = ("messages", "input", "contents")
"""The member of a request that holds its messages, in one dialect or another."""


class Executed:
    """See the module. `turns`: those that have ended; `usage`: the sum of theirs."""

    def __init__(self, call: Call, dialect: str) -> None:
        self.turns = 0
        self.usage: Usage | None = None
        self._call = call
        self._dialect = dialect
        self._messages: list[Message] = []
        self._names: list[str] = []

    def __bool__(self) -> bool:
        """Whether anything was called."""
        return bool(self._messages)

    def end_turn(self, usage: Usage | None) -> None:
        """A turn has ended, and used this."""
        self.turns += 1
        if usage is not None:
            self.usage = usage if self.usage is None else self.usage + usage

    def begin(self, calls: Iterable[ToolCallPart]) -> None:
        """These are called."""
        self._names += [part.name for part in calls]

    def add(self, results: tuple[ToolResultPart, ...], said: tuple[ToolCallPart, ...] = ()) -> None:
        """Calls have ended. `said`: the calls as the model made them, where the caller does not know them."""
        if said:
            self._messages.append(Message(role="assistant", parts=said))
        self._messages.append(Message(role="user", parts=results))

    def in_words(self) -> str:
        """The tools that were called."""
        names = self._names
        more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
        return f"tools called before: {', '.join(names[:NAMES_MAX])}{more}"

    def member(self, stopped: str) -> bytes:
        """The member of the reply, which a note goes with where the loop was `stopped`."""
        if stopped:
            told = f"stopped after {self.turns} turns" if stopped == TURNS_MAX else self.in_words()
            self._call.notes += (Note("annotated", "mcp.agent", told),)
        executed = Raw(b"[]")
        codec = self._call.operation.codec
        if self._messages and codec is not None:
            told = ChatRequest(model="-", messages=tuple(self._messages), dialect=self._dialect)
            written = msgspec.json.decode(codec.write_request(told, "-", PLAIN).body, type=dict[str, Raw])
            executed = next(written[name] for name in _MESSAGES if name in written)
        mark: dict[str, Any] = {"turns": self.turns, "stopped": stopped or None, "executed": executed}
        return b'"%b":%b' % (MARK.encode(), msgspec.json.encode(mark))
