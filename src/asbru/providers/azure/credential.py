"""A key of Azure: the resource's own, or an application of Entra ID, which fetches tokens by client credentials.

    value of the key                                                    what is sent
    KEY                                                                 api-key: KEY
    {"tenant_id": ..., "client_id": ..., "client_secret": ...}          authorization: Bearer TOKEN

Source: https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
Not here: when a token is fetched, and who waits for it (`upstream.credentials.token`).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

import msgspec

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

AUTHORITY = "https://login.microsoftonline.com"
"""Of the public cloud; the clouds of the US government and of China have their own."""
SCOPE = "https://cognitiveservices.azure.com/.default"

_KEY = re.compile(r"[\x21-\x7e]+")
_FORM = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))


class EntraApplication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An application that is registered in Entra ID, with a client secret. `authority`: where its tokens come from."""

    tenant_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]{1,128}$")]
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    client_secret: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    authority: Annotated[str, msgspec.Meta(pattern=r"^(https://[^\s?#/]+|http://127\.0\.0\.1:[0-9]+)$")] = AUTHORITY
    scope: Annotated[str, msgspec.Meta(min_length=1, max_length=512)] = SCOPE

    def __repr__(self) -> str:
        return f"EntraApplication({self.client_id!r})"


class _Token(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+$")]
    expires_in: float


def make(material: KeyMaterial, ports: TokenPorts) -> Credential:
    """The credential of a key. Raises ValueError; its words hold nothing of the value."""
    value = material.value.reveal()
    if not value.lstrip().startswith("{"):
        if not _KEY.fullmatch(value):
            raise ValueError("expected a credential of visible ASCII characters without spaces")
        return FixedCredential.of_header("api-key", value)
    try:
        application = msgspec.json.decode(value, type=EntraApplication)
    except msgspec.MsgspecError as error:
        raise ValueError(
            "expected an application of Entra ID as JSON, with `tenant_id`, `client_id` and `client_secret` "
            f"(perhaps `authority`, `scope`): {error}"
        ) from None
    return TokenCredential(partial(fetch_token, application), ports)


def fetch_token(application: EntraApplication, unix_s: float) -> TokenFlow:
    """One request, whose answer is the token."""
    del unix_s
    form = {
        "grant_type": "client_credentials",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "scope": application.scope,
    }
    url = f"{application.authority}/{application.tenant_id}/oauth2/v2.0/token"
    answer = yield TokenRequest("POST", url, _FORM, urlencode(form).encode())
    told = msgspec.json.decode(answer.body, type=_Token, strict=False)
    return FetchedToken(FixedCredential.of_header("authorization", f"Bearer {told.access_token}"), told.expires_in)
