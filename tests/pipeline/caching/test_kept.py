"""Kept replies on their way to callers: through the stages of each, and against limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.fakes.inside import answer
from tests.pipeline.caching.test_step import CHAT, EVENTS, Gateway, reply, snapshot, stream

from asbru.core.chat import ChatRequest, Part, TextPart
from asbru.core.errors import Forbidden
from asbru.core.reply import ChatReply, PartDelta, StreamEvent
from asbru.guardrails import GuardrailRule, GuardrailSettings
from asbru.pipeline import Attempt, Call, Stage


class Refused(Forbidden):
    """What a rule refuses."""

    by_stage = True


class Rule(Stage):
    """Hides a word of the request and puts it back into the reply, as a rule with placeholders does; refuses replies
    that hold `banned`. `pulls`: waits with its events."""

    replies = "changed"

    def __init__(self, version: str, *, pulls: bool, banned: str = "never said") -> None:
        self.version = version
        self.pulls = pulls
        self.banned = banned
        self.hidden = ""

    async def request(self, request: ChatRequest) -> ChatRequest:
        return msgspec.structs.replace(
            request,
            messages=tuple(
                msgspec.structs.replace(message, parts=tuple(map(self._hide, message.parts)))
                for message in request.messages
            ),
        )

    def _hide(self, part: Part) -> Part:
        if not isinstance(part, TextPart) or "secret-" not in part.text:
            return part
        self.hidden = part.text
        return TextPart(text="<hidden>")

    def _restore(self, text: str) -> str:
        if self.banned in text:
            raise Refused("a rule", code="forbidden")
        return text.replace("hello", f"hello {self.hidden}".strip())

    async def reply(self, reply: ChatReply) -> ChatReply:
        choices = tuple(
            msgspec.structs.replace(
                choice,
                parts=tuple(
                    TextPart(text=self._restore(part.text)) if isinstance(part, TextPart) else part
                    for part in choice.parts
                ),
            )
            for choice in reply.choices
        )
        return msgspec.structs.replace(reply, choices=choices)

    def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        return [
            msgspec.structs.replace(event, text=self._restore(event.text))
            if isinstance(event, PartDelta) and event.text
            else event
            for event in events
        ]


class Ruled:
    """Makes the rule that holds now for each call."""

    def __init__(self) -> None:
        self.version = "1"
        self.banned = "never said"
        self.pulls = False

    def __call__(self, call: Call) -> Stage:
        del call
        return Rule(self.version, pulls=self.pulls, banned=self.banned)


@pytest.fixture
def rules() -> Ruled:
    return Ruled()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, rules: Ruled) -> Gateway:
    return Gateway(snapshot(), monkeypatch, stages=(rules,))


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("pulls", [False, True])
def test_what_a_stage_restores_is_for_its_own_caller(
    gateway: Gateway, rules: Ruled, streams: bool, pulls: bool
) -> None:
    """Two requests that are the same once redacted share an entry, and each gets its own words back."""
    rules.pulls = pulls
    gateway.script("a", stream(EVENTS[0], *stream_of_hello(), *EVENTS[3:]) if streams else answer(200, reply()))
    first = gateway.ask(text="secret-one", stream=streams)
    second = gateway.ask(text="secret-two", stream=streams)
    assert b"secret-two" not in gateway.requests[0][1]
    assert b"hello secret-one" in first.body
    assert second.header(b"x-asbru-cache") == b"hit"
    assert b"hello secret-two" in second.body
    assert b"secret-one" not in second.body


def stream_of_hello() -> tuple[bytes, ...]:
    """One event that says the word."""
    return (EVENTS[1].replace(b"hel", b"hello"),)


def test_other_rules_share_nothing(gateway: Gateway, rules: Ruled) -> None:
    """After the rules have changed the provider is asked anew."""
    gateway.script("a", answer(200, reply()), answer(200, reply()))
    gateway.ask()
    rules.version = "2"
    assert gateway.ask().header(b"x-asbru-cache") == b"miss"


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("pulls", [False, True])
def test_a_stage_refuses_what_comes_from_the_cache(
    gateway: Gateway, rules: Ruled, streams: bool, pulls: bool
) -> None:
    """Rules in force hold for kept replies: whole ones are refused, streams end with an error event."""
    gateway.script("a", answer(200, reply()))
    gateway.ask()
    rules.banned, rules.pulls = "hello", pulls
    refused = gateway.ask(stream=streams)
    assert refused.header(b"x-asbru-cache") == b"hit"
    assert b"hello" not in refused.body
    if not streams:
        assert refused.status == 403
    assert b"a rule" in refused.body
    assert (gateway.row["outcome"], gateway.row["error_code"]) == ("refused", "forbidden")


def test_what_a_stage_refused_is_not_kept(gateway: Gateway, rules: Ruled) -> None:
    """A reply that was ended by a rule is asked for again once the rule is gone."""
    rules.banned = "hello"
    gateway.script("a", answer(200, reply()), stream(*EVENTS[:1], *stream_of_hello(), *EVENTS[3:]))
    assert gateway.ask().status == 403
    gateway.ask(stream=True)
    rules.banned = "never said"
    gateway.script("a", answer(200, reply()))
    assert gateway.ask().header(b"x-asbru-cache") == b"miss"


class Leases:
    """Counts what calls ask for."""

    def __init__(self) -> None:
        self.held = 0
        self.settled: list[tuple[int, bool]] = []

    async def admit(self, call: Call) -> Any:
        del call
        return self

    async def hold(self, call: Call, targets: Sequence[object]) -> None:
        del call, targets
        self.held += 1

    def covers(self, call: Call, attempt: Attempt) -> bool:
        return False

    async def attempt(self, call: Call, attempt: Attempt) -> None: ...

    def settle(self, attempts: Sequence[Attempt], *, served: bool = False) -> None:
        self.settled.append((len(attempts), served))


def test_a_hit_holds_no_money_and_counts_as_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call is admitted; nothing is held for it; it is settled as a request that was served."""
    leases = Leases()
    gateway = Gateway(snapshot(), monkeypatch, leases=leases)
    gateway.script("a", answer(200, reply()))
    gateway.ask()
    gateway.ask()
    assert leases.held == 1
    assert leases.settled == [(1, False), (0, True)]


def test_an_entry_of_a_dialect_that_is_gone_is_a_miss(gateway: Gateway) -> None:
    """A provider that has become another one is asked."""
    gateway.script("a", answer(200, reply()))
    gateway.ask()
    from tests.fakes.inside import provider

    changed = snapshot()
    gateway.load(msgspec.structs.replace(changed, providers=(provider("a", "anthropic_messages"),)))
    assert gateway.ask(path=CHAT).answer == b""  # it waits for the provider
    assert len(gateway.requests) == 1


TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize("streams", [False, True])
def test_a_secret_behind_a_placeholder_is_never_kept(monkeypatch: pytest.MonkeyPatch, streams: bool) -> None:
    """With the real rule: the entry holds the placeholder, a hit restores the secret, another secret shares nothing."""
    rule = {"name": "no-secrets", "checks": ["secrets"], "action": "redact", "with": "placeholder"}
    guarded = GuardrailSettings(rules=(msgspec.convert(rule, GuardrailRule),))
    gateway = Gateway(msgspec.structs.replace(snapshot(), guardrails=guarded), monkeypatch)
    first = gateway.ask(text=f"use {TOKEN}", stream=streams)
    sent = gateway.upstreams[-1][1].written
    assert TOKEN.encode() not in sent
    asked = json.loads(sent.partition(b"\r\n\r\n")[2])
    placeholder = asked["messages"][0]["content"].removeprefix("use ")
    said = EVENTS[1].replace(b"hel", placeholder.encode())
    gateway.script("a", stream(EVENTS[0], said, *EVENTS[3:]) if streams else answer(200, reply(placeholder)))
    gateway.play()
    assert TOKEN.encode() in first.body
    (kept,) = gateway.lasting.cache_memory._entries.values()
    assert TOKEN.encode() not in kept.body
    assert placeholder.encode() in kept.body
    for again in (False, True):
        hit = gateway.ask(text=f"use {TOKEN}", stream=again)
        assert hit.header(b"x-asbru-cache") == b"hit"
        assert TOKEN.encode() in hit.body
    other = gateway.ask(text=f"use {TOKEN[:-1]}3", stream=streams)
    assert other.answer == b""  # it waits for the provider
