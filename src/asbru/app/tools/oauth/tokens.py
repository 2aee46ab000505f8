"""What is sent to the endpoints of an authorization server, and what comes back: registration, code and refresh.

network, 5xx, 429     `Unreachable`: it may pass, and ends nothing
an error of OAuth     `Denied`, with its code: invalid_grant ends the authorization, invalid_client the registration
"""

from __future__ import annotations

import base64
from typing import Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from asbru import __version__
from asbru.app.tools.http import Http, Reply
from asbru.app.tools.oauth.discovery import AuthorizationServer
from asbru.app.tools.oauth.store import Client
from asbru.app.tools.peers import Broken, Unreachable
from asbru.core.secret_text import SecretText
from asbru.upstream.origin import Reach

TOKEN_S: Final = 15.0
ANSWER_BYTES_MAX: Final = 256 * 1024
_METHODS: Final = ("none", "client_secret_post", "client_secret_basic")
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Denied(Exception):
    """The authorization server refuses. `code`: of OAuth."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code


class Tokens(msgspec.Struct):
    """A token response (RFC 6749, 5.1)."""

    access_token: str
    token_type: str
    expires_in: float | None = None
    refresh_token: str = ""
    scope: str | None = None


class _Registered(msgspec.Struct):
    client_id: str
    client_secret: str = ""
    token_endpoint_auth_method: str = ""


class _Error(msgspec.Struct):
    error: str
    error_description: str = ""


_Answer = TypeVar("_Answer", Tokens, _Registered)


def client_metadata(redirect_uri: str) -> dict[str, object]:
    """What Asbru says of itself as a client (RFC 7591)."""
    is_local = urlsplit(redirect_uri).hostname in _LOCAL
    return {
        "client_name": "Asbru",
        "software_id": "asbru",
        "software_version": __version__,
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "native" if is_local else "web",
        "token_endpoint_auth_method": "none",
    }


async def register(http: Http, reach: Reach, server: AuthorizationServer, redirect_uri: str) -> Client:
    """Register a client. Raises `Unreachable`, `Broken`, `Denied`."""
    metadata = client_metadata(redirect_uri)
    offered = server.token_endpoint_auth_methods_supported
    method = next((one for one in _METHODS if one in offered), "none")
    metadata["token_endpoint_auth_method"] = method
    headers = {"content-type": "application/json", "accept": "application/json"}
    body = msgspec.json.encode(metadata)
    reply = await http.send(reach, "POST", server.registration_endpoint, headers, body=body, timeout_s=TOKEN_S)
    given = await _read(reply, _Registered)
    # What it chose counts, where it says so.
    method = given.token_endpoint_auth_method or (method if given.client_secret else "none")
    if method not in _METHODS:
        raise Broken(f"its authorization server demands {method[:60]!r} of clients, which Asbru does not support")
    return Client(server.issuer, given.client_id, redirect_uri, method, SecretText(given.client_secret))


async def request_tokens(
    http: Http, reach: Reach, server: AuthorizationServer, *, client: Client, form: dict[str, str]
) -> Tokens:
    """Ask the token endpoint. Raises `Unreachable`, `Broken`, `Denied`."""
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    secret = client.secret.reveal()
    if client.auth_method == "client_secret_basic":
        pair = f"{quote(client.client_id, safe='')}:{quote(secret, safe='')}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form = {**form, "client_id": client.client_id}
        if client.auth_method == "client_secret_post":
            form["client_secret"] = secret
    body = urlencode(form).encode()
    reply = await http.send(reach, "POST", server.token_endpoint, headers, body=body, timeout_s=TOKEN_S)
    tokens = await _read(reply, Tokens)
    if tokens.token_type.lower() != "bearer" or not tokens.access_token.isprintable():
        raise Broken(f"its authorization server issued a token of type {tokens.token_type[:40]!r}")
    return tokens


async def _read(reply: Reply, kind: type[_Answer]) -> _Answer:
    try:
        body = await reply.body(ANSWER_BYTES_MAX)
        if reply.status in (200, 201):
            return msgspec.json.decode(body, type=kind)
        if reply.status >= 500 or reply.status in (408, 429):
            raise Unreachable(f"its authorization server responded with status {reply.status}")
        error = msgspec.json.decode(body, type=_Error)
    except ValueError as error:
        raise Broken(f"its authorization server responded with status {reply.status} and no OAuth error") from error
    finally:
        reply.close()
    raise Denied(error.error[:100], error.error_description[:300])
