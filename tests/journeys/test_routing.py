"""Routing: calls that go elsewhere than their model's name says, as callers and providers see them."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import KEY
from tests.journeys.gateway import PEPPER, Gateway, allowed, anthropic, fallback, keys, openai, snapshot
from tests.journeys.talk import (
    CHAT_PATH,
    CHAT_REPLY,
    CHAT_STREAM,
    MESSAGES_PATH,
    MESSAGES_REPLY,
    MESSAGES_STREAM,
    chat,
    messages,
)

from asbru.governance import digest_of
from asbru.governance.entries import KeyEntry, ProviderEntry
from asbru.governance.standing import Standing, Used
from asbru.routing.affinity import AffinitySettings
from asbru.routing.breaker import CircuitName
from asbru.routing.rules import RoutingRule, RuleTarget

GOOD = Reply.json(CHAT_REPLY)
AGENTS = 'headers["user-agent"].contains("claude-cli")'
HEADERS = ("x-asbru-session", "X-Session-Affinity", "x-claude-code-session-id", "session-id")
GROQ = "llama-3.3-70b-versatile"


def rule(when: str = "", *, provider: str | None = None, model: str | None = None, **changes: Any) -> RoutingRule:
    """A rule with one target."""
    target = RuleTarget(provider=provider, model=model, key=changes.pop("key", None))
    return RoutingRule(**{"name": "r", "when": when, "targets": (target,), **changes})


@pytest.mark.parametrize("stream", [False, True])
async def test_agents_go_to_groq_others_to_anthropic(stream: bool) -> None:
    """The example of the guide: what the user agent says decides, on either surface, whole and streamed."""
    async with FakeUpstream() as groq, FakeUpstream() as claude:
        groq.otherwise = Reply.events(*CHAT_STREAM) if stream else GOOD
        claude.otherwise = Reply.events(*MESSAGES_STREAM) if stream else Reply.json(MESSAGES_REPLY)
        rules = (rule(AGENTS, provider="groq", model=GROQ), rule(provider="anthropic", name="others", priority=1))
        providers = (openai(groq.url, name="groq"), anthropic(claude.url))
        async with Gateway(*providers, routing_rules=rules) as gateway:
            agent = {"headers": ["User-Agent: claude-cli/2.0 (external)"]}
            asked = messages("claude-x", stream=stream)
            assert (await gateway.call(MESSAGES_PATH, asked, **agent)).headers["x-asbru-provider"] == "groq"
            assert (await gateway.call(MESSAGES_PATH, asked)).headers["x-asbru-provider"] == "anthropic"
            asked = chat("groq/llama", stream=stream)
            assert (await gateway.call(CHAT_PATH, asked, **agent)).headers["x-asbru-provider"] == "groq"
            assert (await gateway.call(CHAT_PATH, asked)).headers["x-asbru-provider"] == "anthropic"
            await gateway.settle()
            assert [row["model_served"] for row in gateway.rows] == [GROQ, "claude-x", GROQ, "llama"]
        assert len(groq.requests) == len(claude.requests) == 2


async def test_a_rule_s_own_fallbacks() -> None:
    """A rule's fallbacks stand in place of the configured ones; without any, those of its target hold."""
    async with FakeUpstream() as upstream:
        providers = (openai(upstream.url), openai(upstream.url, name="b"), openai(upstream.url, name="c"))
        upstream.otherwise = Reply.json({"error": {"message": "no"}}, 500)
        rules = (
            rule('model == "own"', provider="openai", model="m", fallbacks=("c/m",)),
            rule('model == "none"', provider="openai", model="m", name="s"),
        )
        async with Gateway(*providers, routing_rules=rules, fallbacks=fallback("openai/m", "b/m")) as gateway:
            for name, last in (("own", "c"), ("none", "b")):
                await gateway.call(CHAT_PATH, chat(name))
                assert gateway.rows[-1]["provider"] == last


async def test_a_rule_may_name_the_key() -> None:
    """Only that key is used, also when it fails."""
    async with FakeUpstream() as upstream:
        facts = openai(upstream.url, keys=keys("a", "b"))
        async with Gateway(facts, routing_rules=(rule(provider="openai", key="b"),)) as gateway:
            upstream.queue(GOOD, Reply.json({"error": {"message": "no"}}, 401), GOOD)
            for status in (200, 502):
                assert (await gateway.call(CHAT_PATH, chat())).status == status
                assert gateway.rows[-1]["key_name"] == "b"
            assert len(upstream.requests) == 2


async def test_a_rule_s_key_and_the_caller_s_keys() -> None:
    """Where the caller may use some of the provider's keys only, the rule's key is still the one that is used."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        facts = openai(upstream.url, keys=keys("a", "b", "c"))
        entry = KeyEntry(name="tester", models=("*",), providers=(ProviderEntry(keys=("a", "b")),))
        virtual_keys = {digest_of(KEY.encode(), PEPPER): msgspec.msgpack.encode(entry)}
        rules = (rule(provider="openai", key="b"),)
        async with Gateway(facts, routing_rules=rules, virtual_keys=virtual_keys) as gateway:
            await gateway.call(CHAT_PATH, chat())
            assert gateway.row["key_name"] == "b"


async def test_a_name_that_only_a_rule_knows() -> None:
    """A rule may give a meaning to a name that no provider has; where none does, it is refused as ever."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        rules = (rule('model == "nobody/smart"', provider="b", model="gpt-x"),)
        async with Gateway(openai(upstream.url, name="b"), routing_rules=rules) as gateway:
            assert (await gateway.call(CHAT_PATH, chat("nobody/smart"))).status == 200
            assert (await gateway.call(CHAT_PATH, chat("nobody/other"))).status == 404


async def test_rules_allow_nothing() -> None:
    """A rule does not widen what a key may use."""
    async with FakeUpstream() as upstream:
        rules = (rule(provider="b"),)
        providers = (openai(upstream.url), openai(upstream.url, name="b"))
        async with Gateway(*providers, routing_rules=rules, virtual_keys=allowed("openai/*")) as gateway:
            answer = await gateway.call(CHAT_PATH, chat())
            assert (answer.status, answer.error["code"]) == (403, "model_not_allowed")
            assert not upstream.requests


async def test_what_rules_read() -> None:
    """Headers in any spelling and of known clients, tags, the query, the key's name; never credentials."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        rules = [
            rule('headers["x-env"] == "test"', model="by-header"),
            rule('tags["team"] == "blue"', model="by-tag", name="t", priority=1),
            rule('params["beta"] == "1"', model="by-query", name="q", priority=2),
            rule('has(headers.authorization) || "x-api-key" in headers', model="seen", name="s", priority=3),
            rule('virtual_key_name == "tester" && surface == "anthropic"', model="by-key", name="k", priority=4),
        ]
        async with Gateway(openai(upstream.url), anthropic(upstream.url), routing_rules=tuple(rules)) as gateway:

            async def served(path: str = CHAT_PATH, **headers: str) -> str:
                body = messages("openai/m") if path == MESSAGES_PATH else chat("openai/m")
                await gateway.call(path, body, headers=[f"{name}: {value}" for name, value in headers.items()])
                return str(gateway.rows[-1]["model_served"])

            for _ in range(3):  # the third time the head is known
                assert await served(**{"X-Env": "test"}) == "by-header"
            assert await served(**{"x-env": "prod", "X-Asbru-Tag-Team": "blue"}) == "by-tag"
            assert await served(f"{CHAT_PATH}?BETA=1&beta=2") == "by-query"
            assert await served(**{"x-api-key": "k"}) == "m"
            assert await served(MESSAGES_PATH) == "by-key"


async def test_rules_change_with_the_snapshot() -> None:
    """A client that is known is asked for what new rules read, from its next call on."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        facts = openai(upstream.url)
        async with Gateway(facts) as gateway:
            for _ in range(3):
                await gateway.call(CHAT_PATH, chat(), headers=["x-env: test"])
            gateway.swap(snapshot(facts, routing_rules=(rule('headers["x-env"] == "test"', model="other"),)))
            await gateway.call(CHAT_PATH, chat(), headers=["x-env: test"])
            gateway.swap(snapshot(facts))
            await gateway.call(CHAT_PATH, chat(), headers=["x-env: test"])
            assert [row["model_served"] for row in gateway.rows[2:]] == ["gpt-x", "other", "gpt-x"]


def shares(**weights: float | None) -> dict[str, bytes]:
    """The feed's entry for a key that spreads its calls; the models of `c` are limited to globs that fit `gpt-*`."""
    providers = tuple(
        ProviderEntry(provider=name, weight=weight, models=("gpt-*",) if name == "c" else ("*",))
        for name, weight in weights.items()
    )
    entry = KeyEntry(name="tester", models=("*",), providers=providers)
    return {digest_of(KEY.encode(), PEPPER): msgspec.msgpack.encode(entry)}


class Standings:
    """Limits of which some are used up. It knows owners by the ids that `governance.standing` tells."""

    def __init__(self, *used_up: str, used: Used | None = None) -> None:
        self.used_up = used_up
        self._used = used or Used()

    def room(self, owner: str) -> bool:
        """Whether it is not among them."""
        assert owner.partition("/")[0] in ("key", "team", "customer", "provider", "model", "provider_key")
        return owner not in self.used_up

    def used(self, caller: str) -> Used:
        """The same for the one caller there is."""
        assert caller == "tester"
        return self._used

    def standing(self, caller: str) -> tuple[Standing, ...]:
        """Nothing to show."""
        del caller
        return ()

    def refresh(self, caller: str) -> None:
        raise AssertionError(caller)


async def test_a_bare_name_is_spread_by_weight() -> None:
    """Drawn among those that have the model; the others, by weight, are its fallbacks; named providers stay."""
    async with FakeUpstream() as upstream:
        providers = [openai(upstream.url, name=name, known_models=("gpt-x", "other")) for name in "abcd"]
        keys_ = shares(a=1.0, b=None, c=3.0, d=2.0)
        async with Gateway(*providers, virtual_keys=keys_) as gateway:
            rooms = gateway.door.rooms
            assert rooms is not None
            upstream.otherwise = GOOD
            for chance, provider in ((0.0, "c"), (0.49, "c"), (0.51, "d"), (0.84, "a")):
                rooms.chance = lambda drawn=chance: drawn
                await gateway.call(CHAT_PATH, chat("gpt-x"))
                assert gateway.rows[-1]["provider"] == provider
            await gateway.call(CHAT_PATH, chat("other"))  # which c may not serve for this key
            assert gateway.rows[-1]["provider"] == "a"
            await gateway.call(CHAT_PATH, chat("b/gpt-x"))
            assert gateway.rows[-1]["provider"] == "b"
            rooms.chance = lambda: 0.9
            upstream.otherwise = Reply.json({"error": {"message": "no"}}, 500)
            await gateway.call(CHAT_PATH, chat("gpt-x"))
            tried = [one["provider"] for one in json.loads(gateway.rows[-1]["attempt_log"])]
            assert tried == ["a", "c", "d"]


async def test_targets_at_their_limit_are_left_out() -> None:
    """A provider, or what the key may use of it, whose limit is used up is not drawn, and not fallen back to."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        providers = [openai(upstream.url, name=name, known_models=("gpt-x",)) for name in "abc"]
        standings = Standings("provider/c", "key/tester/provider/b")
        options = {"virtual_keys": shares(c=9.0, b=5.0, a=1.0), "standings": standings}
        async with Gateway(*providers, fallbacks=fallback("b/gpt-x", "c/gpt-x", "a/gpt-x"), **options) as gateway:
            for model in ("gpt-x", "b/gpt-x", "c/gpt-x"):
                await gateway.call(CHAT_PATH, chat(model))
            assert [row["provider"] for row in gateway.rows] == ["a", "a", "c"]
            standings.used_up = ("provider/a", "model/b/gpt-x", "provider/c")
            await gateway.call(CHAT_PATH, chat("gpt-x"))
            assert gateway.rows[-1]["provider"] == "c"


async def test_rules_know_how_much_is_used() -> None:
    """The percentages come from the standings, and are asked only where a rule reads one."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        rules = (rule("budget_used > 80.0 && tokens_used < 20.0 && request == 50.0", model="mini"),)
        for used, served in ((Used(80.5, 10.0, 50.0), "mini"), (Used(80.0, 10.0, 50.0), "gpt-x")):
            standings = Standings(used=used)
            async with Gateway(openai(upstream.url), routing_rules=rules, standings=standings) as gateway:
                await gateway.call(CHAT_PATH, chat())
                assert gateway.row["model_served"] == served


async def test_a_session_keeps_its_provider_and_key() -> None:
    """Whatever chance would draw now; another session, and calls without one, are drawn anew."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        providers = [openai(upstream.url, name=name, known_models=("gpt-x",), keys=keys("1", "2")) for name in "ab"]
        async with Gateway(*providers, virtual_keys=shares(a=1.0, b=1.0)) as gateway:
            served: dict[str, set[tuple[str, str]]] = {}
            for number in range(32):
                session = f"s{number % 8}"
                header = HEADERS[number // 8]
                await gateway.call(CHAT_PATH, chat("gpt-x"), headers=[f"{header}: {session}"])
                row = gateway.rows[-1]
                served.setdefault(session, set()).add((row["provider"], row["key_name"]))
            assert all(len(places) == 1 for places in served.values())
            assert len(set.union(*served.values())) > 2


async def test_a_session_moves_when_what_it_is_bound_to_fails() -> None:
    """The call is served elsewhere, and the session stays there when the first place is well again."""
    async with FakeUpstream() as one, FakeUpstream() as two:
        providers = [
            openai(url, name=name, known_models=("gpt-x",)) for name, url in (("a", one.url), ("b", two.url))
        ]
        one.otherwise = two.otherwise = GOOD
        session = {"headers": ["x-asbru-session: s"]}
        async with Gateway(*providers, virtual_keys=shares(a=1.0, b=1.0)) as gateway:
            await gateway.call(CHAT_PATH, chat("gpt-x"), **session)
            first = gateway.rows[-1]["provider"]
            (one if first == "a" else two).otherwise = Reply.json({"error": {"message": "no"}}, 500)
            await gateway.call(CHAT_PATH, chat("gpt-x"), **session)
            one.otherwise = two.otherwise = GOOD
            await gateway.call(CHAT_PATH, chat("gpt-x"), **session)
            assert [row["provider"] == first for row in gateway.rows] == [True, False, False]
            await gateway.call(CHAT_PATH, chat(f"{first}/gpt-x"), **session)
            assert gateway.rows[-1]["provider"] == first  # a provider that is named is never reordered


async def test_a_named_provider_stays_first() -> None:
    """A session that a fallback served does not make later calls begin there, where the call names the provider."""
    async with FakeUpstream() as upstream:
        providers = [openai(upstream.url, name=name, keys=keys("1", "2")) for name in "ab"]
        async with Gateway(*providers, fallbacks=fallback("a/gpt-x", "b/gpt-x")) as gateway:
            upstream.queue(Reply.json({"error": {"message": "no"}}, 500), GOOD, GOOD)
            for provider in ("b", "a"):
                await gateway.call(CHAT_PATH, chat("a/gpt-x"), headers=["x-asbru-session: s"])
                assert gateway.rows[-1]["provider"] == provider


async def test_a_key_that_fails_loses_its_sessions() -> None:
    """With a named provider the key stays; after a 429 the session goes on with the key that served it."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=keys("a", "b", "c"))) as gateway:
        upstream.otherwise = GOOD
        session = {"headers": ["session-id: s7"]}
        for _ in range(3):
            await gateway.call(CHAT_PATH, chat(), **session)
        upstream.queue(Reply.json({"error": {"message": "slow"}}, 429, **{"retry-after": "0"}))
        for _ in range(3):
            await gateway.call(CHAT_PATH, chat(), **session)
        used = [row["key_name"] for row in gateway.rows]
        assert len({*used[:3]}) == len({*used[3:]}) == 1
        assert used[0] != used[3]


async def test_a_rule_s_draw_is_kept() -> None:
    """A rule with several targets draws the same one for every call of a session."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        rules = (RoutingRule(name="r", targets=tuple(RuleTarget(model=name) for name in "xyz")),)
        providers = (openai(upstream.url), openai(upstream.url, name="b"))
        async with Gateway(*providers, routing_rules=rules) as gateway:
            for number in range(24):
                await gateway.call(CHAT_PATH, chat(), headers=[f"x-asbru-session: {number % 12}"])
            models = [row["model_served"] for row in gateway.rows]
            assert models[:12] == models[12:]
            assert set(models) == {"x", "y", "z"}


async def test_what_is_no_session() -> None:
    """A name of over 255 characters, or sessions switched off: drawn anew, and nothing remembered."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        for session, affinity in (("s" * 256, AffinitySettings()), ("s", AffinitySettings(enabled=False))):
            async with Gateway(openai(upstream.url, keys=keys("a", "b")), affinity=affinity) as gateway:
                await gateway.call(CHAT_PATH, chat(), headers=[f"x-asbru-session: {session}"])
                assert gateway.row["key_name"] == "a"
                assert len(gateway.lasting.sessions) == 0


TRACE = "x-asbru-trace: 1"


@pytest.mark.parametrize("stream", [False, True])
async def test_the_trace_tells_what_was_decided(stream: bool) -> None:
    """The rule, the session's key, what was left out and the targets: in the record, and in a header on request."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = Reply.events(*CHAT_STREAM) if stream else GOOD
        rules = (rule("true", provider="b", fallbacks=("c/m", "openai/m")),)
        providers = (openai(upstream.url), openai(upstream.url, name="b", keys=keys("1", "2")))
        providers = (*providers, openai(upstream.url, name="c"))
        options = {"routing_rules": rules, "standings": Standings("provider/c")}
        async with Gateway(*providers, **options) as gateway:
            headers = [TRACE, "session-id: s"]
            answer = await gateway.call(CHAT_PATH, chat(stream=stream), headers=headers)
            told = answer.headers["x-asbru-trace"]
            assert told.startswith("rule 'r': b/gpt-x; skipped c/m: its limit is used up; session: key ")
            assert told.endswith("; targets: b/gpt-x, openai/m")
            answer = await gateway.call(CHAT_PATH, chat(stream=stream))
            assert "x-asbru-trace" not in answer.headers
            rows = await gateway.recorded(2)
            assert rows[0]["route"] == told
            assert rows[1]["route"].endswith("; targets: b/gpt-x, openai/m")


async def test_the_trace_of_a_plain_call() -> None:
    """Only on request: by itself a call that its model's name decides leaves no trace. Refusals carry one, too."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        async with Gateway(openai(upstream.url)) as gateway:
            answer = await gateway.call(CHAT_PATH, chat(), headers=[TRACE])
            assert answer.headers["x-asbru-trace"] == "targets: openai/gpt-x"
            await gateway.call(CHAT_PATH, chat(), headers=["x-asbru-trace: 0"])
            await gateway.call(CHAT_PATH, chat())
            assert [row["route"] for row in gateway.rows[1:]] == ["", ""]
            upstream.otherwise = Reply.json({"error": {"message": "no"}}, 400)
            answer = await gateway.call(CHAT_PATH, chat(), headers=[TRACE])
            assert (answer.status, answer.headers["x-asbru-trace"]) == (400, "targets: openai/gpt-x")
            assert "x-asbru-trace" not in upstream.requests[0].headers


async def test_a_caller_cannot_write_headers_by_the_trace() -> None:
    """A model's name may hold anything; line breaks do not get into the response's head, and it stays short."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        names = [f"openai/{'m' * 500}{number}" for number in range(5)]
        async with Gateway(openai(upstream.url), fallbacks=fallback(*names)) as gateway:
            answer = await gateway.call(CHAT_PATH, chat("openai/é\r\nx-evil: 1"), headers=[TRACE])
            assert "x-evil" not in answer.headers
            assert answer.headers["x-asbru-trace"] == "targets: openai/???x-evil: 1"
            answer = await gateway.call(CHAT_PATH, chat(names[0]), headers=[TRACE])
            assert len(answer.headers["x-asbru-trace"]) == 1000
            assert len(gateway.rows[-1]["route"]) == 2000


async def test_open_circuits_are_in_the_trace() -> None:
    """What the breaker left out, and what it probed."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = GOOD
        providers = (openai(upstream.url), openai(upstream.url, name="b"))
        async with Gateway(*providers, fallbacks=fallback("openai/gpt-x", "b/gpt-x")) as gateway:
            breaker = gateway.lasting.breaker
            for _ in range(5):
                breaker.fail(CircuitName("openai", "gpt-x", "o1"), time.monotonic())
            answer = await gateway.call(CHAT_PATH, chat(), headers=[TRACE])
            assert "; skipped openai/gpt-x: its circuit is open, for " in answer.headers["x-asbru-trace"]
            breaker.circuits[CircuitName("openai", "gpt-x", "o1")].open_until_s = 0.0
            answer = await gateway.call(CHAT_PATH, chat(), headers=[TRACE])
            assert answer.headers["x-asbru-trace"].endswith("; probe of openai/gpt-x: its circuit is half open")
