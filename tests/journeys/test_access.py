"""Access, door to door: what a key may not use is refused on every surface, and what it may see of itself."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import KEY, PEPPER, Gateway, anthropic, keys, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, MESSAGES_PATH, MESSAGES_REPLY, chat, messages

from asbru.app.snapshot import KeyFacts
from asbru.core.secret_text import SecretText
from asbru.governance import digest_of
from asbru.governance.entries import KeyEntry, OwnerEntry, ProviderEntry
from asbru.governance.standing import Standing, Used

SPENT = Standing("key/tester", "key/tester/cost/1M", "cost", "1M", 10**9, 10**9, resets_at_ms=1_000_000)
RATE = Standing("team/blue", "team/blue/requests/1m", "requests", "1m", 60, 15)


class Limits:
    """The tester's limits."""

    def room(self, owner: str) -> bool:
        raise AssertionError(owner)

    def used(self, caller: str) -> Used:
        raise AssertionError(caller)

    def standing(self, caller: str) -> tuple[Standing, ...]:
        return (SPENT, RATE) if caller == "tester" else ()

    def refresh(self, caller: str) -> None:
        assert caller == "tester"


def key(**facts: Any) -> dict[str, bytes]:
    """The tester's key with these facts."""
    entry = KeyEntry(**{"name": "tester", "models": ("*",), **facts})
    return {digest_of(KEY.encode(), PEPPER): msgspec.msgpack.encode(entry)}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"models": ("openai/other",)}, "model_not_allowed"),
        ({"blocked_models": ("*-x",)}, "model_not_allowed"),
        ({"providers": (ProviderEntry("mock"),)}, "provider_not_allowed"),
        ({"providers": (ProviderEntry("*", keys=("nobody",)),)}, "provider_not_allowed"),
        ({"surfaces": ("gemini",)}, "surface_not_allowed"),
    ],
)
async def test_what_is_not_permitted_is_refused_on_every_surface(facts: dict[str, Any], code: str) -> None:
    """403 in the caller's dialect, nothing sent, and a record with the reason; a stream is no way around it."""
    async with (
        FakeUpstream() as upstream,
        Gateway(openai(upstream.url), anthropic(upstream.url), virtual_keys=key(**facts)) as gateway,
    ):
        for path, body in ((CHAT_PATH, chat()), (MESSAGES_PATH, messages()), (CHAT_PATH, {**chat(), "stream": True})):
            answer = await gateway.call(path, body)
            assert (answer.status, json.loads(answer.body)["error"]["type"]) == (403, "permission_error")
        assert not upstream.requests
        assert {(row["error_code"], row["outcome"]) for row in gateway.rows} == {(code, "refused")}


async def test_a_blocked_model_is_blocked_behind_an_alias_too() -> None:
    """Of a provider's keys those whose alias leads to it are passed over; where all do, the call is refused and the
    alias is not listed. So it is for what an entry for the provider blocks."""
    aliased = (
        KeyFacts(name="o1", value=SecretText("sk-o1"), models=(), aliases={"fast": "GPT-x-preview"}),
        KeyFacts(name="o2", value=SecretText("sk-o2"), models=(), aliases={"fast": "gpt-x", "slow": "gpt-x-preview"}),
    )
    of_key = {"blocked_models": ("*preview",)}
    of_provider = {"providers": (ProviderEntry("*", blocked_models=("*preview",)),)}
    for facts in (of_key, of_provider):
        async with (
            FakeUpstream() as upstream,
            Gateway(openai(upstream.url, keys=aliased), virtual_keys=key(**facts)) as gateway,
        ):
            for _ in range(8):
                upstream.queue(Reply.json(CHAT_REPLY))
                assert (await gateway.call(CHAT_PATH, {**chat(), "model": "openai/fast"})).status == 200
            assert {seen.headers["authorization"] for seen in upstream.requests} == {"Bearer sk-o2"}
            refused = await gateway.call(CHAT_PATH, {**chat(), "model": "openai/slow"})
            assert refused.status == 403 and b"'openai/slow' is blocked for this key" in refused.body
            listed = (await gateway.call("/v1/models", method="GET")).body
            assert b"openai/fast" in listed and b"openai/slow" not in listed


async def test_a_key_that_is_refused_is_named_in_the_record() -> None:
    """Revoked, expired or of an unknown owner: the caller, its team and its tags are known, and what it may use is not
    asked. Of a key that nobody knows there is no name."""
    for facts, code, team in (
        ({"active": False, "parent": "team/blue"}, "revoked_api_key", "blue"),
        ({"expires_ms": 1, "parent": "team/blue"}, "expired_api_key", "blue"),
        ({"parent": "team/gone"}, "unknown_owner", ""),
    ):
        tagged = key(owner_id="key/tester", tags={"env": "prod"}, **facts)
        async with Gateway(openai("http://127.0.0.1:9"), virtual_keys=tagged) as gateway:
            gateway.lasting.virtual_keys.owners.put("team/blue", msgspec.msgpack.encode(OwnerEntry("blue")))
            assert (await gateway.call(CHAT_PATH, chat())).status == 401
            row = gateway.row
            assert (row["caller"], row["team"], row["tags"]) == ("tester", team, '{"env":"prod"}')
            assert (row["error_code"], row["outcome"]) == (code, "refused")
            assert (await gateway.call(CHAT_PATH, chat(), key="sk-asb-nobody")).status == 401
            assert gateway.rows[-1]["caller"] == ""


async def test_a_key_uses_only_the_provider_keys_that_it_may() -> None:
    """Of a provider's keys the others are passed over, also when one fails."""
    grants = (ProviderEntry("*", keys=("o2",)),)
    async with (
        FakeUpstream() as upstream,
        Gateway(openai(upstream.url, keys=keys("o1", "o2")), virtual_keys=key(providers=grants)) as gateway,
    ):
        upstream.queue(Reply.json(CHAT_REPLY), Reply.json({"error": {"message": "no"}}, 401))
        assert [(await gateway.call(CHAT_PATH, chat())).status for _ in range(2)] == [200, 502]
        assert [seen.headers["authorization"] for seen in upstream.requests] == ["Bearer sk-o2"] * 2


async def test_the_list_of_models_holds_what_a_key_may_use() -> None:
    """On the surfaces that it may call on; what is blocked is not listed."""
    known = {"known_models": ("gpt-x", "gpt-y")}
    async with Gateway(
        openai("http://127.0.0.1:9", **known), virtual_keys=key(blocked_models=("gpt-y",), surfaces=("openai",))
    ) as gateway:
        listed = json.loads((await gateway.call("/v1/models", method="GET")).body)
        assert "openai/gpt-x" in str(listed) and "gpt-y" not in str(listed)
        assert (await gateway.call("/anthropic/v1/models", method="GET")).status == 403


async def test_a_key_sees_itself() -> None:
    """Access and limits, whatever is spent; no call, no record. Whoever has no key sees nothing."""
    async with Gateway(virtual_keys=key(models=("gpt-*",), owner_id="key/tester", tags={"env": "prod"})) as gateway:
        gateway.lasting.standings = Limits()
        gateway.swap(gateway.snapshot)
        told = json.loads((await gateway.call("/v1/key", method="GET")).body)
        assert (told["name"], told["models"], told["owners"]) == ("tester", ["gpt-*"], ["key/tester"])
        assert (told["tags"], told["expires_at"], told["providers"][0]["provider"]) == ({"env": "prod"}, None, "*")
        assert told["limits"] == [
            {
                "owner": "key/tester",
                "metric": "cost",
                "window": "1M",
                "amount_usd": 1.0,
                "used_usd": 1.0,
                "used_percent": 100.0,
                "resets_at": "1970-01-01T00:16:40Z",
            },
            {
                "owner": "team/blue",
                "metric": "requests",
                "window": "1m",
                "amount": 60,
                "used": 15,
                "used_percent": 25.0,
                "resets_at": None,
            },
        ]
        assert (await gateway.call("/v1/key", method="GET", key="x")).status == 401
        assert not gateway.rows


async def test_limits_travel_in_headers() -> None:
    """Of whole answers, streams and refusals; the provider's own are left out."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        gateway.lasting.standings = Limits()
        gateway.swap(gateway.snapshot)
        upstream.queue(
            Reply.json(CHAT_REPLY, x_ratelimit_remaining_requests="7"),
            Reply.json(MESSAGES_REPLY, anthropic_ratelimit_requests_remaining="7"),
        )
        chatted = await gateway.call(CHAT_PATH, chat())
        assert chatted.headers["x-ratelimit-remaining-requests"] == "45"
        assert chatted.headers["x-asbru-budget-remaining"] == "0.000000"
        said = await gateway.call(MESSAGES_PATH, messages())
        assert said.headers["anthropic-ratelimit-requests-remaining"] == "45"
        refused = await gateway.call(CHAT_PATH, chat("nobody/x"))
        assert (refused.status, refused.headers["x-asbru-budget-owner"]) == (404, "key/tester")


async def test_tags_and_owners_are_recorded() -> None:
    """From the key and from headers; no provider sees them."""
    async with (
        FakeUpstream() as upstream,
        Gateway(
            openai(upstream.url), virtual_keys=key(owner_id="key/tester", parent="team/blue", tags={"env": "prod"})
        ) as gateway,
    ):
        for owner, parent in (("team/blue", "customer/acme"), ("customer/acme", "")):
            entry = OwnerEntry(owner.partition("/")[2], parent=parent)
            gateway.lasting.virtual_keys.owners.put(owner, msgspec.msgpack.encode(entry))
        upstream.queue(Reply.json(CHAT_REPLY), Reply.json(CHAT_REPLY))
        await gateway.call(CHAT_PATH, chat(), headers=("X-Asbru-Tag-App: chat",))
        await gateway.call(CHAT_PATH, chat())
        assert [row["tags"] for row in gateway.rows] == ['{"app":"chat","env":"prod"}', '{"env":"prod"}']
        assert {(row["team"], row["customer"], row["standard"]) for row in gateway.rows} == {("blue", "acme", True)}
        assert not any("asbru" in name for seen in upstream.requests for name in seen.headers)
