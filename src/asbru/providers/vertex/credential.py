"""A key of Vertex AI: a service account, a user's own credentials as gcloud keeps them, or an API key.

    value of the key                                                      what is sent
    KEY                                                                   x-goog-api-key: KEY
    {"type": "service_account", "client_email", "private_key", ...}       authorization: Bearer TOKEN
    {"type": "authorized_user", "client_id", "client_secret", ...}        authorization: Bearer TOKEN

A service account signs a statement of its own (a JWT, RS256) and gets a token for it; a user's refresh token is
exchanged for one. Source: https://developers.google.com/identity/protocols/oauth2/service-account#httprest
Not here: when a token is fetched, and who waits for it (`upstream.credentials.token`).
"""

from __future__ import annotations

import base64
import re
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from asbru.upstream.credentials import (
    Credential,
    FixedCredential,
    KeyMaterial,
    TokenCredential,
    TokenFlow,
    TokenPorts,
    TokenRequest,
)
from asbru.upstream.credentials import Token as FetchedToken

TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 -- an address
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
STATEMENT_LIFE_S = 3600
"""How long a statement is good for: the most that Google accepts."""
CLOCK_SLACK_S = 10
"""How far back a statement is dated, for clocks that run ahead."""

_KEY = re.compile(r"[\x21-\x7e]+")
_FORM = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))
_ADDRESS = r"^(https://[^\s?#]+|http://127\.0\.0\.1:[0-9]+/[^\s?#]*)$"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_encode = msgspec.json.Encoder().encode


class ServiceAccount(msgspec.Struct, frozen=True, tag="service_account"):
    """A key file of a service account; its other members say nothing that is needed here."""

    client_email: Annotated[str, msgspec.Meta(min_length=3, max_length=256)]
    private_key: Annotated[str, msgspec.Meta(min_length=1, max_length=16_384)]
    private_key_id: str = ""
    token_uri: Annotated[str, msgspec.Meta(pattern=_ADDRESS)] = TOKEN_URI

    def __repr__(self) -> str:
        return f"ServiceAccount({self.client_email!r})"


class AuthorizedUser(msgspec.Struct, frozen=True, tag="authorized_user"):
    """What `gcloud auth application-default login` keeps."""

    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    client_secret: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    refresh_token: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    token_uri: Annotated[str, msgspec.Meta(pattern=_ADDRESS)] = TOKEN_URI

    def __repr__(self) -> str:
        return f"AuthorizedUser({self.client_id!r})"


class _Token(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+$")]
    expires_in: float


def make(material: KeyMaterial, ports: TokenPorts) -> Credential:
    """The credential of a key. Raises ValueError; its words hold nothing of the value."""
    value = material.value.reveal()
    if not value.lstrip().startswith("{"):
        if not _KEY.fullmatch(value):
            raise ValueError("expected a credential of visible ASCII characters without spaces")
        return FixedCredential.of_header("x-goog-api-key", value)
    try:
        account = msgspec.json.decode(value, type=ServiceAccount | AuthorizedUser)
    except msgspec.MsgspecError as error:
        raise ValueError(
            "expected the JSON of a service account (`type: service_account`, `client_email`, `private_key`) or of a "
            f"user (`type: authorized_user`, `client_id`, `client_secret`, `refresh_token`): {error}"
        ) from None
    if isinstance(account, AuthorizedUser):
        return TokenCredential(partial(fetch_for_user, account), ports)
    return TokenCredential(partial(fetch_for_account, account, _load(account)), ports)


def _load(account: ServiceAccount) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(account.private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("`private_key` is not a private key in PEM without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("`private_key` is not an RSA key")  # noqa: TRY004 -- what makers raise
    return key


def fetch_for_account(account: ServiceAccount, key: RSAPrivateKey, unix_s: float) -> TokenFlow:
    """One request, with a statement that the account signs."""
    issued_s = int(unix_s) - CLOCK_SLACK_S
    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": account.private_key_id} if account.private_key_id else {})
    claims = {
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": issued_s,
        "exp": issued_s + STATEMENT_LIFE_S,
    }
    signed = b"%b.%b" % (_base64(_encode(header)), _base64(_encode(claims)))
    signature = key.sign(signed, PKCS1v15(), SHA256())
    statement = b"%b.%b" % (signed, _base64(signature))
    answer = yield from _ask(account.token_uri, {"grant_type": _GRANT, "assertion": statement.decode()})
    return answer


def fetch_for_user(user: AuthorizedUser, unix_s: float) -> TokenFlow:
    """One request, with the refresh token."""
    del unix_s
    form = {
        "grant_type": "refresh_token",
        "client_id": user.client_id,
        "client_secret": user.client_secret,
        "refresh_token": user.refresh_token,
    }
    answer = yield from _ask(user.token_uri, form)
    return answer


def _ask(url: str, form: dict[str, str]) -> TokenFlow:
    answer = yield TokenRequest("POST", url, _FORM, urlencode(form).encode())
    told = msgspec.json.decode(answer.body, type=_Token, strict=False)
    return FetchedToken(FixedCredential.of_header("authorization", f"Bearer {told.access_token}"), told.expires_in)


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
