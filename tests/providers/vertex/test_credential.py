"""Vertex AI's keys against a token endpoint that checks what Google's does; and the address by model."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from tests.fakes.upstream import FakeUpstream, Gate, Reply, Seen

import asbru
from asbru.core.secret_text import SecretText
from asbru.providers.vertex.credential import SCOPE, make
from asbru.upstream.credentials import FixedCredential, KeyMaterial, TokenPorts

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EMAIL = "asbru@project.iam.gserviceaccount.com"
ROOT = "/v1/projects/p/locations/us-central1"
GEMINI_PATH = f"{ROOT}/publishers/google/models/gemini-2.5-flash:generateContent"
CLAUDE_PATH = f"{ROOT}/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict"
REPLY = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}]}
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "stop_reason": "end_turn"}
ASK: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """A private key as key files hold it."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


ACCOUNT = {
    "type": "service_account",
    "project_id": "p",
    "private_key_id": "k1",
    "private_key": pem(KEY),
    "client_email": EMAIL,
    "token_uri": "https://oauth2.googleapis.com/token",
}
USER = {"type": "authorized_user", "client_id": "c", "client_secret": "s3cret~", "refresh_token": "r3fresh~"}


class Google:
    """The token endpoint and the models: refuses what the real ones refuse, and gives the tokens t1, t2, ..."""

    def __init__(self) -> None:
        self.given = 0
        self.refused = 0
        self.before: tuple[Gate, ...] = ()

    def answer(self, seen: Seen) -> Reply:
        """Any request."""
        if seen.path == "/token":
            return self._token(seen)
        if (
            seen.headers.get("authorization") != f"Bearer t{self.given}"
            or seen.headers["authorization"] == "Bearer t0"
        ):
            self.refused += 1
            error = {
                "code": 401,
                "message": "Request had invalid authentication credentials.",
                "status": "UNAUTHENTICATED",
            }
            return Reply.json({"error": error}, 401)
        return Reply.json(MESSAGE if "anthropic" in seen.path else REPLY)

    def _token(self, seen: Seen) -> Reply:
        form = {name: values[0] for name, values in parse_qs(seen.body.decode(), strict_parsing=True).items()}
        if form["grant_type"] == "refresh_token":
            sound = (form["client_secret"], form["refresh_token"]) == (USER["client_secret"], USER["refresh_token"])
        else:
            sound = form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer" and _is_signed(form, seen)
        if not sound:
            return Reply.json({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        self.given += 1
        token = {"token_type": "Bearer", "expires_in": 3599, "access_token": f"t{self.given}"}
        return Reply.json(token).but(before=self.before)


def _is_signed(form: dict[str, str], seen: Seen) -> bool:
    head, claims, signature = form["assertion"].split(".")
    try:
        KEY.public_key().verify(_decode(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    told = json.loads(_decode(claims))
    now_s = time.time()
    return (
        json.loads(_decode(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
        and (told["iss"], told["scope"]) == (EMAIL, SCOPE)
        and told["aud"].endswith(f"{seen.headers['host']}/token")
        and told["iat"] <= now_s < told["exp"] <= told["iat"] + 3600
    )


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def config(upstream: FakeUpstream, value: dict[str, Any]) -> dict[str, Any]:
    """Vertex AI with a key whose tokens come from the fake, too."""
    key = {"name": "k", "value": json.dumps({**value, "token_uri": f"{upstream.url}/token"})}
    vertex = {"base_url": f"{upstream.url}{ROOT}", "allow_loopback": True, "keys": [key]}
    return {"providers": {"vertex": vertex}}


def paths(upstream: FakeUpstream) -> list[str]:
    """The paths that were asked, but for the token's."""
    return [seen.path for seen in upstream.requests if seen.path != "/token"]


async def test_calls_share_one_token() -> None:
    """Those that come together wait for one request, which a service account signed; later ones use its token."""
    google, gate = Google(), Gate()
    google.before = (gate,)
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream, ACCOUNT)) as gateway:
        upstream.otherwise = google.answer
        calls = [asyncio.ensure_future(gateway.chat(model="vertex/gemini-2.5-flash", messages=ASK)) for _ in range(4)]
        await gate.reached.arrive()
        gate.open()
        await asyncio.gather(*calls)
        await gateway.chat(model="vertex/gemini-2.5-flash", messages=ASK)
        assert (google.given, google.refused) == (1, 0)
        assert paths(upstream) == [GEMINI_PATH] * 5


async def test_the_model_tells_the_dialect() -> None:
    """Claude is asked in Anthropic's dialect, with the model in the path and the version in the body, whatever the
    caller's dialect; Gemini models in their own."""
    google = Google()
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream, USER)) as gateway:
        upstream.otherwise = google.answer
        claude = "vertex/claude-sonnet-4-5@20250929"
        await gateway.chat(model=claude, messages=ASK, max_tokens=9)
        await gateway.call("anthropic.messages", {"model": claude, "max_tokens": 9, "messages": ASK})
        await gateway.call(
            "anthropic.messages", {"model": "vertex/gemini-2.5-flash", "max_tokens": 9, "messages": ASK}
        )
        assert paths(upstream) == [CLAUDE_PATH, CLAUDE_PATH, GEMINI_PATH]
        bodies = [json.loads(seen.body) for seen in upstream.requests if seen.path == CLAUDE_PATH]
        assert all(body["anthropic_version"] == "vertex-2023-10-16" and "model" not in body for body in bodies)


async def test_an_account_that_is_refused() -> None:
    """The caller hears that the credential could not be had, and nothing of the secret."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    account = {**ACCOUNT, "private_key": pem(other)}
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream, account)) as gateway:
        upstream.otherwise = Google().answer
        with pytest.raises(asbru.CallError) as failed:
            await gateway.chat(model="vertex/gemini-2.5-flash", messages=ASK)
        assert (failed.value.status, failed.value.code) == (502, "upstream_credentials_exhausted")
        assert paths(upstream) == []


def material(value: str) -> KeyMaterial:
    """A key."""
    return KeyMaterial(SecretText(value), f"https://us-central1-aiplatform.googleapis.com{ROOT}")


def test_an_api_key() -> None:
    """Sent as it is."""
    credential = make(material("AIzaSy-1"), TokenPorts.of_nobody())
    assert isinstance(credential, FixedCredential) and credential.fixed == b"x-goog-api-key: AIzaSy-1\r\n"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a b", "visible ASCII"),
        ("{", "service_account"),
        (json.dumps({"type": "external_account"}), "external_account"),
        (json.dumps({**ACCOUNT, "private_key": "x"}), "PEM"),
        (json.dumps({**ACCOUNT, "private_key": pem(ec.generate_private_key(ec.SECP256R1()))}), "RSA"),
        (json.dumps({**ACCOUNT, "token_uri": "http://oauth2.example/token"}), "token_uri"),
        (json.dumps({**USER, "refresh_token": ""}), "refresh_token"),
    ],
)
def test_values_that_make_no_sense(value: str, words: str) -> None:
    """Refused when the configuration is read, without a word of the secret."""
    with pytest.raises(ValueError, match=words) as refused:
        make(material(value), TokenPorts.of_nobody())
    assert "PRIVATE KEY" not in str(refused.value) and USER["client_secret"] not in str(refused.value)
