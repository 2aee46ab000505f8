"""The management API end to end: what is made over it holds for calls, on every worker."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fakes.upstream import FakeUpstream
from tests.fakes.waiting import pause
from tests.journeys.admin import Admin
from tests.journeys.caller import UpstreamResponse
from tests.journeys.served import Served

CONTROL = {"control": {"enabled": True}}
REACHES_S = 20.0
"""The promise is two seconds, on a machine that is not busy with other tests."""
LOOK_S = 0.1
"""Between two looks: whoever asks all the time holds up what it waits for."""


async def call_with(served: Served, key: str) -> UpstreamResponse:
    """A call with a virtual key, on a new connection."""
    return await served.call("/v1/models", method="GET", key=key)


async def settles(served: Served, key: str, status: int) -> None:
    """Every worker answers so with this key, in the end: asked often enough to meet each of them."""
    async with asyncio.timeout(REACHES_S):
        in_a_row = 0
        while in_a_row < 20:
            answer = await call_with(served, key)
            in_a_row = in_a_row + 1 if answer.status == status else 0


async def test_a_key_is_made_used_rotated_and_revoked(tmp_path: Path) -> None:
    """A customer, a team and a key, all by the API: the key calls on both workers; rotated, both values work for the
    grace period; revoked, it is refused."""
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, workers=2, **CONTROL) as served:
        admin = Admin(served)
        await admin.set_up()
        await admin.ask("POST", "customers", {"name": "acme"}, 201)
        await admin.ask("POST", "teams", {"name": "blue", "customer": "acme"}, 201)
        made = await admin.ask("POST", "keys", {"name": "search", "team": "blue"}, 201)
        assert made["value"].startswith("sk-asb-") and made["team"] == "blue"
        await settles(served, made["value"], 200)
        assert "value" not in await admin.ask("GET", "keys/search")
        rotated = await admin.ask("POST", "keys/search/rotate", {"grace_s": 3600})
        await settles(served, rotated["value"], 200)
        await settles(served, made["value"], 200)
        assert (await admin.ask("DELETE", "teams/blue", status=409))["error"]["code"] == "in_use"
        await admin.ask("DELETE", "keys/search", status=204)
        for value in (made["value"], rotated["value"]):
            await settles(served, value, 401)
        await admin.ask("DELETE", "teams/blue", status=204)
        database = (tmp_path / "data" / "asbru.sqlite").read_bytes()
        assert made["value"].encode() not in database


async def test_what_is_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    """A worker serves nobody before it knows the keys of the database, and the file's own are read-only."""
    async with FakeUpstream() as upstream:
        async with Served(tmp_path, upstream.url, **CONTROL) as served:
            admin = Admin(served)
            await admin.set_up()
            value = (await admin.ask("POST", "keys", {"name": "search"}, 201))["value"]
            refused = await admin.ask("PATCH", "keys/v0", {"active": False}, 409)
            assert refused["error"]["code"] == "declared_in_file" and str(tmp_path) in refused["error"]["message"]
            listed = (await admin.ask("GET", "keys"))["items"]
            assert [(one["id"], one["source"]) for one in listed] == [("search", "api"), ("v0", "file")]
        async with Served(tmp_path, upstream.url, **CONTROL) as served:
            assert (await call_with(served, value)).status == 200
            assert not served.says("set-up token")


async def test_a_provider_is_added_while_serving(tmp_path: Path) -> None:
    """Named over the API, called on every worker; what cannot be served is refused and changes
    nothing; deleted, it is gone."""
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, workers=2, **CONTROL) as served:
        admin = Admin(served)
        await admin.set_up()
        body = {
            "name": "acme",
            "dialect": "openai",
            "base_url": f"{upstream.url}/v1",
            "allow_loopback": True,
            "retries": {"max": 0},
            "keys": [{"name": "k", "value": "sk-0123456789-acme"}],
        }
        refused = await admin.ask("POST", "providers", {**body, "dialect": "nonsense"}, 422)
        assert "providers.acme.dialect" in refused["error"]["message"]
        made = await admin.ask("POST", "providers", body, 201)
        assert made["keys"][0]["value"] == "****acme"
        await lists(served, "acme/", there=True)
        fallback = {"from": "openai/gpt-x", "to": ["acme/gpt-x"]}
        await admin.ask("POST", "fallbacks", fallback, 201)
        assert (await admin.ask("DELETE", "providers/acme", status=409))["error"]["code"] == "in_use"
        await admin.ask("DELETE", "fallbacks/openai/gpt-x", status=204)
        await admin.ask("DELETE", "providers/acme", status=204)
        await lists(served, "acme/", there=False)


async def lists(served: Served, provider: str, *, there: bool) -> None:
    """Every worker takes a model of the provider, or none does, in the end."""
    async with asyncio.timeout(REACHES_S):
        in_a_row = 0
        while in_a_row < 20:
            answer = await served.call("/v1/chat/completions", {"model": f"{provider}m", "messages": []})
            known = answer.status != 404
            in_a_row = in_a_row + 1 if known == there else 0


async def test_what_runs_is_seen(tmp_path: Path) -> None:
    """Every process with its pid, both workers, the provider that was called, and the models, also those it lists."""
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, workers=2, **CONTROL) as served:
        admin = Admin(served)
        await admin.set_up()
        key = (await admin.ask("POST", "keys", {"name": "k"}, 201))["value"]
        await settles(served, key, 200)

        async def seen() -> bool:
            system = await admin.ask("GET", "system")
            return len(system["workers"]) == 2 and all(one["state"] == "ready" for one in system["processes"])

        async with asyncio.timeout(REACHES_S):
            while not await seen():
                await pause(LOOK_S)
        system = await admin.ask("GET", "system")
        roles = {one["role"]: one for one in system["processes"]}
        assert {"supervisor", "bookkeeper", "control", "worker-0", "worker-1"} <= set(roles)
        assert {one["pid"] for one in system["workers"]} == {roles[f"worker-{index}"]["pid"] for index in (0, 1)}
        assert roles["worker-0"]["rss_bytes"] > 1 << 20 and system["snapshot"]["problems"] == []
        providers = (await admin.ask("GET", "health"))["providers"]
        assert [one["name"] for one in providers] == ["openai", "anthropic"]
        assert [one["state"] for provider in providers for one in provider["keys"]] == ["ok", "ok"]
        key = {"name": "a", "value": "sk-0123456789", "models": ["gpt-x"]}
        acme = {"name": "acme", "dialect": "openai", "base_url": "https://a.example/v1", "keys": [key]}
        await admin.ask("POST", "providers", acme, 201)

        async def models() -> list[str]:
            return [one["id"] for one in (await admin.ask("GET", "models?provider=acme"))["items"]]

        async with asyncio.timeout(REACHES_S):
            while await models() != ["acme/gpt-x"]:
                await pause(LOOK_S)
        served.config.write_text("{")

        async def refused() -> bool:
            return bool((await admin.ask("GET", "system"))["snapshot"]["problems"])

        async with asyncio.timeout(REACHES_S):
            while not await refused():
                await pause(LOOK_S)
