"""Getting an authorization: the authorization code flow with PKCE, begun here and ended by the browser's return.

    begin -> a URL for the browser -> (within FLOW_S) finish, with what the authorization server sent back -> authorized

A flow is for one server and one user, named by whoever began it: an administrator, or a worker for the virtual key that
called. It is ended by its `state`, once. `iss` must be the issuer's, where the issuer says that it sends it or where
it is sent (RFC 9207), so that no other authorization server can pass off its code. Flows are lost with the process.
"""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from asbru.app.tools.http import Http, reach_of
from asbru.app.tools.oauth.discovery import AuthorizationServer, Discovery, Found
from asbru.app.tools.oauth.grants import Grants, joined_scopes, with_tokens
from asbru.app.tools.oauth.store import Client, GrantStore, Held
from asbru.app.tools.oauth.tokens import Denied, client_metadata, register, request_tokens
from asbru.app.tools.peers import Broken
from asbru.core.secret_text import SecretText
from asbru.mcp.servers import Server

CALLBACK_PATH: Final = "/api/v1/mcp/oauth/callback"
CLIENT_PATH: Final = "/api/v1/mcp/oauth/client.json"
FLOW_S: Final = 900.0
FLOWS_MAX: Final = 1000
_AGAIN_S: Final = 600.0
"""So long a flow that is under way is given to whoever asks for the same one."""


@dataclass
class Flow:
    """One authorization under way."""

    server: Server
    user: str
    found: Found
    client: Client
    verifier: str
    url: str
    began_s: float


class Flows:
    """See the module. `now_ms`: unix milliseconds, for what is stored."""

    def __init__(self, http: Http, store: GrantStore, grants: Grants) -> None:
        self._http = http
        self._store = store
        self._grants = grants
        self._flows: dict[str, Flow] = {}

    async def begin(self, server: Server, user: str, public_url: str) -> str:
        """Begin a flow; the URL for the browser. Raises `Unreachable`, `Broken`, `Denied`, StorageError."""
        self._drop_old()
        more = self._grants.demanded(server, user)
        demanded = set(more.split())
        for flow in self._flows.values():
            same = (flow.server, flow.user) == (server, user) and demanded <= set(flow.found.scope.split())
            if same and time.monotonic() - flow.began_s < _AGAIN_S:
                return flow.url
        if len(self._flows) >= FLOWS_MAX:
            raise Broken(f"{FLOWS_MAX} authorizations are under way; try again later")
        found = await Discovery(self._http, reach_of(server), server.url or "").find(server.scope)
        found.scope = joined_scopes(found.scope, more) if more else found.scope
        client = await self._client(server, found.server, public_url)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        asked = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            "resource": found.resource,
        }
        if found.scope:
            asked["scope"] = found.scope
        endpoint = found.server.authorization_endpoint
        url = f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"
        self._flows[state] = Flow(server, user, found, client, verifier, url, time.monotonic())
        return url

    async def finish(self, query: dict[str, str], now_ms: int) -> Flow:
        """End the flow that the browser came back from; the authorization is in use then. Raises as `begin` does."""
        self._drop_old()
        flow = self._flows.pop(query.get("state", ""), None)
        if flow is None:
            raise Broken("this authorization has ended or is unknown; start it again")
        authorization = flow.found.server
        _check_issuer(query.get("iss", ""), authorization)
        if "error" in query:
            raise Denied(query["error"][:100], query.get("error_description", "")[:300])
        if not query.get("code"):
            raise Broken("the authorization server sent neither a code nor an error")
        form = {
            "grant_type": "authorization_code",
            "code": query["code"],
            "redirect_uri": flow.client.redirect_uri,
            "code_verifier": flow.verifier,
            "resource": flow.found.resource,
        }
        tokens = await request_tokens(self._http, reach_of(flow.server), authorization, client=flow.client, form=form)
        empty = SecretText("")
        held = Held(
            flow.server.name,
            flow.user,
            flow.server.url or "",
            flow.found.resource,
            flow.found.scope,
            authorization,
            flow.client,
            empty,
            empty,
            0,
        )
        self._grants.keep(with_tokens(held, tokens, now_ms))
        return flow

    async def _client(self, server: Server, authorization: AuthorizationServer, public_url: str) -> Client:
        """As which client: the configured one, the known one, a document of ours, or one that is registered now."""
        redirect_uri = f"{public_url}{CALLBACK_PATH}"
        if server.client_id:
            secret = server.client_secret or SecretText("")
            method = _method(authorization) if secret.reveal() else "none"
            client = Client(authorization.issuer, server.client_id, redirect_uri, method, secret)
            self._store.save_client(server.name, client)
            return client
        known = self._store.load_client(server.name, authorization.issuer)
        if known is not None and known.redirect_uri == redirect_uri:
            return known
        if authorization.client_id_metadata_document_supported and public_url.startswith("https://"):
            client = Client(authorization.issuer, f"{public_url}{CLIENT_PATH}", redirect_uri)
        elif authorization.registration_endpoint:
            client = await register(self._http, reach_of(server), authorization, redirect_uri)
        else:
            raise Broken("its authorization server does not register clients; set `client_id` of this server")
        self._store.save_client(server.name, client)
        return client

    def _drop_old(self) -> None:
        now_s = time.monotonic()
        for state in [state for state, flow in self._flows.items() if now_s - flow.began_s > FLOW_S]:
            del self._flows[state]


def client_document(public_url: str) -> bytes:
    """The client metadata document, whose URL is the client id."""
    return msgspec.json.encode(
        {"client_id": f"{public_url}{CLIENT_PATH}", **client_metadata(f"{public_url}{CALLBACK_PATH}")}
    )


def _check_issuer(issuer: str, authorization: AuthorizationServer) -> None:
    if not issuer and not authorization.authorization_response_iss_parameter_supported:
        return
    if issuer != authorization.issuer:
        raise Broken("the response is from another authorization server (`iss`) than the request went to")


def _method(authorization: AuthorizationServer) -> str:
    offered = authorization.token_endpoint_auth_methods_supported
    return "client_secret_post" if "client_secret_post" in offered else "client_secret_basic"


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
