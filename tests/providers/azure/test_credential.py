"""Azure's keys: the resource's own, and applications of Entra ID against a token endpoint as Microsoft documents it."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.fakes.upstream import FakeUpstream, Gate, Reply, Seen
from tests.fakes.waiting import until

import asbru
from asbru.core.secret_text import SecretText
from asbru.providers.azure.credential import AUTHORITY, SCOPE, make
from asbru.upstream.credentials import FixedCredential, KeyMaterial, TokenPorts

ENTRA = {"tenant_id": "contoso.onmicrosoft.com", "client_id": "app-1", "client_secret": "s3cret~&="}
TOKEN_PATH = "/contoso.onmicrosoft.com/oauth2/v2.0/token"
CHAT_PATH = "/openai/v1/chat/completions"
REPLY = {"id": "c", "object": "chat.completion", "model": "m", "choices": []}
ASK: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]


class Entra:
    """The token endpoint: refuses what the real one refuses, and gives the tokens t1, t2, ..."""

    def __init__(self, life_s: int = 3599) -> None:
        self.life_s = life_s
        self.given = 0
        self.before: tuple[Gate, ...] = ()

    def answer(self, seen: Seen) -> Reply:
        """See the page that `credential` names."""
        form = {name: values[0] for name, values in parse_qs(seen.body.decode(), strict_parsing=True).items()}
        assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
        if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith("/.default"):
            return Reply.json({"error": "invalid_scope", "error_description": "AADSTS70011: ..."}, 400)
        if (form["client_id"], form["client_secret"]) != (ENTRA["client_id"], ENTRA["client_secret"]):
            return Reply.json({"error": "invalid_client", "error_description": "AADSTS7000215: ..."}, 401)
        self.given += 1
        token = {"token_type": "Bearer", "expires_in": self.life_s, "access_token": f"t{self.given}"}
        return Reply.json(token).but(before=self.before)


def config(upstream: FakeUpstream, **entra: str) -> dict[str, Any]:
    """Azure with an application whose tokens come from the fake, too."""
    value = json.dumps({**ENTRA, "authority": upstream.url, **entra})
    azure = {
        "dialect": "openai",
        "base_url": f"{upstream.url}/openai/v1",
        "allow_loopback": True,
        "keys": [{"name": "app", "value": value}],
    }
    return {"providers": {"azure": azure}}


def shown(upstream: FakeUpstream) -> list[str]:
    """The Authorization of each call to the provider."""
    return [seen.headers["authorization"] for seen in upstream.requests if seen.path == CHAT_PATH]


async def test_calls_share_one_token() -> None:
    """Those that come together wait for one request; later ones use its token, and no `api-key` is sent."""
    entra, gate = Entra(), Gate()
    entra.before = (gate,)
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        upstream.otherwise = lambda seen: entra.answer(seen) if seen.path == TOKEN_PATH else Reply.json(REPLY)
        calls = [asyncio.ensure_future(gateway.chat(model="azure/m", messages=ASK)) for _ in range(4)]
        await gate.reached.arrive()
        gate.open()
        await asyncio.gather(*calls)
        await gateway.chat(model="azure/m", messages=ASK)
        assert entra.given == 1 and shown(upstream) == ["Bearer t1"] * 5
        assert not any("api-key" in seen.headers for seen in upstream.requests)


async def test_a_token_is_fetched_anew_before_it_ends() -> None:
    """One that is due is used once more while the next is fetched."""
    entra = Entra(life_s=0)
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        upstream.otherwise = lambda seen: entra.answer(seen) if seen.path == TOKEN_PATH else Reply.json(REPLY)
        await gateway.chat(model="azure/m", messages=ASK)
        entra.life_s = 3599
        await gateway.chat(model="azure/m", messages=ASK)
        await gateway.chat(model="azure/m", messages=ASK)
        assert shown(upstream) == ["Bearer t1", "Bearer t2", "Bearer t2"]


async def test_an_application_that_is_refused() -> None:
    """The caller hears that the credential could not be had, and nothing of the secret; the provider is not asked."""
    entra = Entra()
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream, client_secret="wrong-secret")) as gateway:
        upstream.otherwise = entra.answer
        with pytest.raises(asbru.CallError) as failed:
            await gateway.chat(model="azure/m", messages=ASK)
        assert (failed.value.status, failed.value.code) == (502, "upstream_credentials_exhausted")
        assert b"wrong-secret" not in failed.value.body
        await until(lambda: upstream.requests, "the token endpoint was asked")
        assert {seen.path for seen in upstream.requests} == {TOKEN_PATH}


def material(value: str) -> KeyMaterial:
    """A key."""
    return KeyMaterial(SecretText(value), "https://x.openai.azure.com/openai/v1")


def test_a_key_of_the_resource() -> None:
    """Sent as it is."""
    credential = make(material("abc123"), TokenPorts.of_nobody())
    assert isinstance(credential, FixedCredential) and credential.fixed == b"api-key: abc123\r\n"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a b", "visible ASCII"),
        ("{", "tenant_id"),
        ('{"tenant_id": "t", "client_id": "c"}', "missing required field `client_secret`"),
        (json.dumps({**ENTRA, "tenant": "x"}), "unknown field `tenant`"),
        (json.dumps({**ENTRA, "tenant_id": "a/b"}), "tenant_id"),
        (json.dumps({**ENTRA, "authority": "http://login.example"}), "authority"),
        (json.dumps({**ENTRA, "authority": "https://login.example/x"}), "authority"),
    ],
)
def test_values_that_make_no_sense(value: str, words: str) -> None:
    """Refused when the configuration is read, without a word of the secret."""
    with pytest.raises(ValueError, match=words) as refused:
        make(material(value), TokenPorts.of_nobody())
    assert ENTRA["client_secret"] not in str(refused.value)


def test_the_public_cloud_is_the_default() -> None:
    """As documented."""
    assert AUTHORITY == "https://login.microsoftonline.com" and SCOPE.endswith("/.default")
