"""Rules over the events of a stream: each part has a window that its text flows through, or is held whole.

    flows     all rules of the part's place say where findings are, at once, and none asks to hold: `Window`
    held      any other, and arguments of tools, which are of use to no one before they are complete: the part's events
              wait for its `PartStop`; where nothing changes they go as they came

Events of a part whose text is held wait behind it. What tells the text as it was (log probabilities, citations) is
dropped where text is replaced. Texts elsewhere than in parts are looked at too: citations and what a reply begins and
ends with as they come, foreign events and deltas as `Pieces`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import msgspec

from asbru.core.chat import Part, RefusalPart, TextPart, ThinkingPart, ToolCallPart
from asbru.core.reply import (
    ChoiceStop,
    ForeignEvent,
    PartDelta,
    PartStart,
    PartStop,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
)
from asbru.guardrails.engine import Window
from asbru.pipeline.guarding.pieces import Judged, Pieces
from asbru.pipeline.guarding.texts import visit_texts

if TYPE_CHECKING:
    from asbru.guardrails import Place

T = TypeVar("T")
_Key: TypeAlias = tuple[int, int]


class Restorer:
    """Puts the originals of placeholders back into a text that comes in pieces."""

    __slots__ = ("_held", "_quote", "_restore")

    def __init__(self, restore: Callable[[str], str]) -> None:
        self._restore = restore
        self._held = ""

    def feed(self, text: str, *, final: bool = False) -> str:
        """What may go: all but a placeholder that is not whole."""
        whole = self._held + text
        at = len(whole) if final else placeholder_begins(whole)
        whole, self._held = whole[:at], whole[at:]
        return self._restore(whole)


_PLACEHOLDER_CHARS_MAX = 80


def placeholder_begins(text: str) -> int:
    """Where at the end of a text a placeholder may begin; its length for nowhere."""
    at = text.rfind("[", max(len(text) - _PLACEHOLDER_CHARS_MAX, 0))
    return len(text) if at < 0 or "]" in text[at:] else at


class PartGuard:
    """One part of a stream. `window`: what its text flows through; None: it is held whole. `pieces`: its foreign
    deltas, where it flows."""

    __slots__ = ("events", "pieces", "place", "restorer", "text", "waiting", "window")

    def __init__(self, place: Place, window: Window | None, restorer: Restorer | None, pieces: Pieces) -> None:
        self.place: Place = place
        self.window = window
        self.pieces = pieces
        self.restorer = restorer
        self.events: list[StreamEvent] = []
        self.text: list[str] = []
        self.waiting: list[StreamEvent] = []

    def feed(self, event: PartDelta) -> list[StreamEvent]:
        """What may go of a part that flows."""
        assert self.window is not None
        if event.text is None:
            return self.behind([event])
        return self._going(event, self.window.feed(event.text))

    def behind(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """What may go of events of the part that are no text."""
        assert self.window is not None
        if not self.window.holds:
            return events
        self.waiting += events
        return []

    async def close(self, stop: PartStop) -> list[StreamEvent]:
        """The rest of one."""
        assert self.window is not None
        last = PartDelta(index=stop.index, choice=stop.choice, text="")
        going = self._going(last, self.window.close(), final=True)
        return [*going, *self._released(), *await self.pieces.close(), stop]

    def _going(self, event: PartDelta, text: str, *, final: bool = False) -> list[StreamEvent]:
        if self.restorer is not None:
            text = self.restorer.feed(text, final=final)
        assert self.window is not None
        going: list[StreamEvent] = []
        if text:
            going.append(event if text == event.text else msgspec.structs.replace(event, text=text))
        return going + (self._released() if not self.window.holds else [])

    def _released(self) -> list[StreamEvent]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def forget_waiting(self) -> None:
        """Text was replaced: what waits behind it may tell it."""
        self.waiting = [one for one in self.waiting if not (isinstance(one, PartDelta) and _tells(one))]


def _tells(event: PartDelta) -> bool:
    return event.logprobs is not None or event.citation is not None


class StreamGuard:
    """See the module. `windows(place)` makes the window of a part of such a place, None where it is held; `judged`
    judges a text that was held; `looks(place)`: whether any rule does; `restorer()`: for placeholders;
    `open_ended(text, place)`: whether a text may become a finding when more of it comes."""

    def __init__(  # noqa: PLR0917 -- the stage's own ways, each given by name
        self,
        looks: Callable[[Place], bool],
        windows: Callable[[Place], Window | None],
        judged: Judged,
        restorer: Callable[[bool], Restorer | None],
        open_ended: Callable[[str, Place], bool],
    ) -> None:
        self._open_ended = open_ended
        self._foreign = Pieces("output", self._given, open_ended)
        self._looks = looks
        self._windows = windows
        self._judged = judged
        self._restorer = restorer
        self._parts: dict[_Key, PartGuard] = {}

    def text_changed(self) -> None:
        """Text of an open part was replaced."""
        for part in self._parts.values():
            part.forget_waiting()

    async def events(self, events: Sequence[StreamEvent]) -> list[StreamEvent]:
        """What the caller gets in place of `events`; awaits only what `judged` does."""
        going: list[StreamEvent] = []
        for event in events:
            match event:
                case PartStart():
                    going += await self._start(event)
                case PartDelta():
                    part = self._parts.get((event.choice, event.index))
                    going += [event] if part is None else await self._delta(part, event)
                case PartStop():
                    part = self._parts.get((event.choice, event.index))
                    going += [event] if part is None else await self._stop(part, event)
                    self._parts.pop((event.choice, event.index), None)
                case ForeignEvent():
                    going += await self._foreign.feed(event)
                case ReplyStart():
                    going.append(await self._whole(event, "output"))
                case ChoiceStop():
                    going += [*await self._foreign.close(), await self._whole(event, "output")]
                case ReplyEnd() | StreamFault():
                    going += [*await self._foreign.close(), event]
                case _:
                    going.append(event)
        return going

    async def _start(self, event: PartStart) -> list[StreamEvent]:
        place: Place = "tool_arguments" if isinstance(event.part, ToolCallPart) else "output"
        flows = isinstance(event.part, TextPart | ThinkingPart | RefusalPart)
        restorer = self._restorer(place == "tool_arguments") if flows or place == "tool_arguments" else None
        if not self._looks(place) and restorer is None:
            return [event]
        pieces = Pieces(place, self._given, self._open_ended)
        part = PartGuard(place, self._windows(place) if flows else None, restorer, pieces)
        self._parts[event.choice, event.index] = part
        if part.window is None:
            part.events.append(event)
            return []
        text = event.part.text if isinstance(event.part, TextPart | ThinkingPart | RefusalPart) else ""
        if not text:
            return [event]
        empty = msgspec.structs.replace(event, part=msgspec.structs.replace(event.part, text=""))
        return [empty, *part.feed(PartDelta(index=event.index, choice=event.choice, text=text))]

    async def _delta(self, part: PartGuard, event: PartDelta) -> list[StreamEvent]:
        if event.citation is not None:
            event = msgspec.structs.replace(event, citation=await self._whole(event.citation, part.place))
        if part.window is not None:
            return part.behind(await part.pieces.feed(event)) if event.foreign is not None else part.feed(event)
        part.events.append(event)
        if event.text:
            part.text.append(event.text)
        return []

    async def _stop(self, part: PartGuard, event: PartStop) -> list[StreamEvent]:
        if part.window is not None:
            return await part.close(event)
        start = part.events[0]
        assert isinstance(start, PartStart)
        begun = _begun(start.part)
        text = begun + "".join(part.text)
        new = await self._judged(text, part.place) if text else ""
        if part.restorer is not None:
            new = part.restorer.feed(new, final=True)
        started = start if begun else await self._whole_start(start, part.place)
        stopped = event
        if event.part is not None:
            stopped = msgspec.structs.replace(event, part=await self._whole(event.part, part.place))
        foreign_changed = await self._foreign_changed(part)
        if new == text and started is start and not foreign_changed:
            return [*part.events, stopped]
        if begun:
            started = msgspec.structs.replace(start, part=_emptied(start.part))
        others = [one for one in part.events[1:] if isinstance(one, PartDelta) and one.text is None]
        kept = [one for one in others if not _tells(one) and not (foreign_changed and one.foreign is not None)]
        delta = PartDelta(index=event.index, choice=event.choice, text=new)
        return [started, *([delta] if new else []), *kept, stopped]

    async def _whole_start(self, start: PartStart, place: Place) -> PartStart:
        """A part that came with texts in it from the start, as foreign ones do."""
        whole = await self._whole(start.part, place)
        return start if whole is start.part else msgspec.structs.replace(start, part=whole)

    async def _foreign_changed(self, part: PartGuard) -> bool:
        """Whether texts in pieces that only a dialect can put together may not go as they are."""
        texts: list[str] = []
        for one in part.events[1:]:
            if isinstance(one, PartDelta) and one.foreign is not None:
                visit_texts(one.foreign, part.place, lambda text, _: texts.append(text) or text)
        whole = "".join(texts)
        return bool(whole) and await self._judged(whole, part.place) != whole

    async def _given(self, text: str, place: Place) -> str:
        """A text that is whole, judged, with the originals of placeholders."""
        new = await self._judged(text, place)
        restorer = self._restorer(False)
        return new if restorer is None else restorer.feed(new, final=True)

    async def _whole(self, value: T, place: Place) -> T:
        texts: list[str] = []
        visit_texts(value, place, lambda text, _: texts.append(text) or text)
        new = iter([await self._given(text, place) for text in texts])
        return visit_texts(value, place, lambda text, _: text if (other := next(new)) == text else other)


def _begun(part: Part) -> str:
    """The text that a part begins with."""
    if isinstance(part, ToolCallPart):
        return part.arguments
    return part.text if isinstance(part, TextPart | ThinkingPart | RefusalPart) else ""


def _emptied(part: Part) -> Part:
    if isinstance(part, ToolCallPart):
        return msgspec.structs.replace(part, arguments="")
    assert isinstance(part, TextPart | ThinkingPart | RefusalPart)
    return msgspec.structs.replace(part, text="")
