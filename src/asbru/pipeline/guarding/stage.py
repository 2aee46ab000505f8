"""The stage of one call: its rules over what goes in and what comes out (`pipeline.stages`).

    request   every text of a canonical request, by place
    texts     those of an operation without one: `input`
    tool_texts   those of a call of a tool, and of what comes of it
    reply     a whole reply
    events    a stream, by parts (`streams.py`); `pull` where a rule asks elsewhere

A finding refuses the call (`block`), is replaced (`redact`), noted (`annotate`) or recorded (`allow`). Placeholders of
this call's request are put back into its reply, after the rules have seen it.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from asbru.core.errors import GuardrailBlocked, GuardrailUnavailable
from asbru.core.notes import Note
from asbru.guardrails.engine import PLACEHOLDER, Rule, Seen, Window, blocks, for_place, redact, scan
from asbru.pipeline.guarding.streams import Restorer, StreamGuard, placeholder_begins
from asbru.pipeline.guarding.tally import Tally
from asbru.pipeline.guarding.texts import Texts, visit_json, visit_texts
from asbru.pipeline.stages import Replies, Stage, ToolPlace

if TYPE_CHECKING:
    from asbru.core.chat import ChatRequest
    from asbru.core.reply import ChatReply, StreamEvent
    from asbru.guardrails import Place, Ports
    from asbru.guardrails.engine import RuleSet
    from asbru.pipeline.call import Call

T = TypeVar("T")
_PLACEHOLDER = re.compile(PLACEHOLDER)
_OUT: tuple[Place, ...] = ("output", "tool_arguments")
_WORDS: dict[str, str] = {
    "input": "the input",
    "output": "the output",
    "tool_arguments": "the arguments of a tool call",
    "tool_results": "a tool result",
    "tool_descriptions": "the description of a tool",
}


class GuardStage(Stage):
    """See the module. `rules`: those that apply to the call."""

    sees_tools = True

    def __init__(self, call: Call, rules: Sequence[Rule], rule_set: RuleSet, ports: Ports) -> None:
        self._call = call
        self._rules = rules
        self._masking = rule_set.masking
        self._ports = ports
        self._by_place: dict[Place, tuple[Rule, ...]] = {}
        self._originals: dict[str, str] = {}  # of placeholders in the request
        self._made: dict[str, str] = {}  # of those in the reply, which nobody gets back
        self.tally = Tally()
        call.guarded = self.tally
        self.replies = _replies(rules)
        self.version = f"{rule_set.version}/{','.join(rule.name for rule in rules)}"
        self.pulls = any(rule.asking for rule in self._at("output") + self._at("tool_arguments"))
        self._guard: StreamGuard | None = None

    def _at(self, place: Place) -> tuple[Rule, ...]:
        found = self._by_place.get(place)
        if found is None:
            found = self._by_place[place] = for_place(self._rules, place)
        return found

    async def request(self, request: ChatRequest) -> ChatRequest:
        """See `Stage`."""
        return await self._through(request, "input", self._originals)

    async def texts(self, texts: Sequence[str]) -> Sequence[str]:
        """See `Stage`."""
        texts = await self._judge("input", texts, self._originals)
        if self._originals:
            self.replies = "changed"  # to put them back
        return texts

    async def tool_texts(self, place: ToolPlace, texts: Sequence[str]) -> Sequence[str]:
        """See `Stage`. Placeholders in arguments are put back into results."""
        if place == "tool_arguments":
            return await self._judge(place, texts, self._originals)
        texts = await self._judge(place, texts, self._made)
        return [self._restore(text) for text in texts] if self._originals else texts

    def refuses_data(self, place: ToolPlace) -> bool:
        """See `Stage`."""
        return any(rule.declared.unchecked == "refuse" for rule in self._at(place))

    async def reply(self, reply: ChatReply) -> ChatReply:
        """See `Stage`."""
        reply = await self._through(reply, "output", self._made)
        if self._originals:
            reply = visit_texts(reply, "output", self._restored)
        return reply

    def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """See `Stage`. Nothing here waits."""
        return _now(self._stream.events(events))

    def again(self) -> None:
        """See `Stage`."""
        self._guard = None

    async def pull(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """See `Stage`."""
        return await self._stream.events(events)

    async def _through(self, value: T, base: Place, originals: dict[str, str]) -> T:
        """A request or reply with all of its places judged."""
        texts = Texts(value, base)
        changed: dict[Place, list[str]] = {}
        for place, found in texts.by_place.items():
            new = await self._judge(place, found, originals)
            if new is not found:
                changed[place] = new
        if not changed:
            return value
        if originals and base == "input":
            self.replies = "changed"  # to put them back
        return texts.replaced(changed)

    async def _judge(self, place: Place, texts: Sequence[str], originals: dict[str, str]) -> list[str]:
        """The texts of a place as they may go: the same object where nothing changes. Raises the refusal."""
        rules = self._at(place)
        given = cast("list[str]", texts)
        if not rules or not texts:
            return given
        seen = await self._scan(rules, place, texts)
        self._tell(seen, place)
        if not any(one.findings and one.rule.declared.action == "redact" for one in seen):
            return given
        redacted = redact(texts, seen, self._masking)
        originals |= redacted.originals
        return redacted.texts

    async def _scan(self, rules: Sequence[Rule], place: Place, texts: Sequence[str]) -> list[Seen]:
        try:
            return await scan(rules, texts, self._ports)
        except GuardrailUnavailable as error:
            self.tally.found(error.rule, place, "failed_closed", ())
            raise

    def _tell(self, seen: Sequence[Seen], place: Place) -> None:
        """Record what was found; raises the refusal."""
        for one in seen:
            name, action = one.rule.name, one.rule.declared.action
            self.tally.scanned(name, place)
            if one.findings:
                kinds = [finding.kind for finding in one.findings]
                self.tally.found(name, place, action, kinds)
                if action == "annotate":
                    self._note(name, place, kinds)
            if one.failed:
                self.tally.found(name, place, "failed_open", ())
        refused = blocks(seen)
        if refused is not None:
            raise GuardrailBlocked(refused.rule.name, _WORDS[place], _kinds([one.kind for one in refused.findings]))

    def _note(self, rule: str, place: Place, kinds: Sequence[str]) -> None:
        note = Note("annotated", f"guardrails.{rule}", f"{_WORDS[place]} contains {_kinds(kinds)}")
        if note not in self._call.notes:
            self._call.notes += (note,)

    def _restored(self, text: str, place: Place) -> str:
        del place
        return self._restore(text)

    def _restore(self, text: str, *, quoted: bool = False) -> str:
        if "[" not in text:
            return text

        def original(match: re.Match[str]) -> str:
            found = self._originals.get(match[0])
            if found is None:
                return match[0]
            return msgspec.json.encode(found).decode()[1:-1] if quoted else found

        return _PLACEHOLDER.sub(original, text)

    @property
    def _stream(self) -> StreamGuard:
        if self._guard is None:
            for place in _OUT:
                for rule in self._at(place):
                    self.tally.scanned(rule.name, place)
            self._guard = StreamGuard(
                lambda place: bool(self._at(place)), self._window, self._held, self._restorer, self._open_ended
            )
        return self._guard

    def _window(self, place: Place) -> Window | None:
        rules = self._at(place)
        if any(not rule.flows for rule in rules):
            return None
        return Window(rules, self._masking, partial(self._tell_stream, place), self._made)

    def _tell_stream(self, place: Place, seen: Sequence[Seen]) -> None:
        self._tell(seen, place)
        if self._guard is not None and any(one.findings and one.rule.declared.action == "redact" for one in seen):
            self._guard.text_changed()

    async def _held(self, text: str, place: Place) -> str:
        """A text that was held, as it may go."""
        if not self._at(place):
            return text
        if place != "tool_arguments":
            (new,) = await self._judge(place, [text], self._made)
            return new
        texts: list[str] = []
        visit_json(text, place, lambda one, _: texts.append(one) or one)
        new = iter(await self._judge(place, texts, self._made))
        return visit_json(text, place, lambda one, _: one if (other := next(new)) == one else other)

    def _open_ended(self, text: str, place: Place) -> bool:
        if self._originals and placeholder_begins(text) < len(text):
            return True
        rules = self._at(place)
        if any(not rule.flows for rule in rules):
            return True
        return any(judge.held(text) < len(text) for rule in rules for _, judge in rule.judges)

    def _restorer(self, quoted: bool) -> Restorer | None:
        return Restorer(partial(self._restore, quoted=quoted)) if self._originals else None


def _replies(rules: Sequence[Rule]) -> Replies:
    """What the rules need of the response. Those that only look may be shown it as it went, but one that asks
    elsewhere takes its time."""
    concerned = [rule for rule in rules if not set(_OUT).isdisjoint(rule.declared.places)]
    if not concerned:
        return "ignored"
    acts = any(rule.declared.action in ("redact", "block") or rule.asking for rule in concerned)
    return "changed" if acts else "watched"


def _kinds(kinds: Sequence[str]) -> str:
    """The kinds of findings, in words."""
    several = list(dict.fromkeys(kinds))
    shown = ", ".join(several[:5]) + (" and more" if len(several) > 5 else "")
    return f"{shown} ({len(kinds)} finding{'' if len(kinds) == 1 else 's'})"


def _now(work: Coroutine[Any, Any, T]) -> T:
    """The result of what awaits nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    work.close()
    raise AssertionError("a rule that asks elsewhere was not pulled")
