"""Finds where a server is authorized: its challenge, the metadata of the resource (RFC 9728), then of the authorization
server (RFC 8414, or OpenID Connect Discovery).

Each document must name what it was asked about: the resource must cover the server's URL, and the issuer must be the
one that the resource named, or one could speak for another. An authorization server without PKCE S256 is refused, as
MCP demands.
"""

from __future__ import annotations

from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from asbru.app.tools.http import Http
from asbru.app.tools.peers import Broken, Unreachable
from asbru.mcp.protocol.headers import challenge_parameters
from asbru.upstream.origin import Reach

METADATA_BYTES_MAX: Final = 256 * 1024
FETCH_S: Final = 10.0
_LOCAL = ("localhost", "127.0.0.1", "::1")
_NOT_THERE = range(400, 500)


class Resource(msgspec.Struct):
    """What a server says of itself as a resource (RFC 9728)."""

    resource: str
    authorization_servers: list[str] = []
    scopes_supported: list[str] = []


class AuthorizationServer(msgspec.Struct, omit_defaults=True):
    """What is needed of an authorization server's metadata (RFC 8414)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str = ""
    scopes_supported: list[str] = []
    code_challenge_methods_supported: list[str] = []
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    client_id_metadata_document_supported: bool = False
    authorization_response_iss_parameter_supported: bool = False


_Metadata = TypeVar("_Metadata", Resource, AuthorizationServer)


class Found(msgspec.Struct):
    """Where a server is authorized. `resource`: what tokens are to be for; `scope`: what to ask for."""

    server: AuthorizationServer
    resource: str
    scope: str


class Discovery:
    """The chain, for one server."""

    def __init__(self, http: Http, reach: Reach, url: str) -> None:
        self._http = http
        self._reach = reach
        self._url = url

    async def find(self, scope: str) -> Found:
        """Where the server is authorized; `scope`: what is configured, "" for what the server asks for. Raises
        `Unreachable`, `Broken`."""
        challenge = challenge_parameters(await self._challenge())
        resource = await self._resource(challenge.get("resource_metadata", ""))
        issuer = resource.authorization_servers[0] if resource.authorization_servers else _origin(self._url)
        server = await self._server(issuer)
        asked = scope or challenge.get("scope", "") or " ".join(resource.scopes_supported)
        return Found(server, resource.resource, asked)

    async def _challenge(self) -> str:
        """What the server says to a request without a credential."""
        headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
        reply = await self._http.send(self._reach, "POST", self._url, headers, body=body, timeout_s=FETCH_S)
        reply.close()
        return reply.header("www-authenticate") if reply.status in (401, 403) else ""

    async def _resource(self, named: str) -> Resource:
        places = [named] if named else []
        places += well_known(self._url, "oauth-protected-resource")
        for place in places:
            found = await self._fetch(place, Resource)
            if found is not None:
                if not covers(found.resource, self._url):
                    raise Broken(f"its metadata describes another resource, {found.resource[:200]!r}")
                return found
        return Resource(self._url)  # servers older than RFC 9728 are their own authorization servers

    async def _server(self, issuer: str) -> AuthorizationServer:
        path = urlsplit(issuer).path.rstrip("/")
        places = well_known(issuer, "oauth-authorization-server")[:1]
        places += well_known(issuer, "openid-configuration")[:1]
        if path:
            places.append(f"{_origin(issuer)}{path}/.well-known/openid-configuration")
        for place in places:
            found = await self._fetch(place, AuthorizationServer)
            if found is not None:
                return self._checked(found, issuer)
        raise Broken(f"its authorization server {issuer[:200]!r} has no metadata")

    def _checked(self, found: AuthorizationServer, issuer: str) -> AuthorizationServer:
        if found.issuer.rstrip("/") != issuer.rstrip("/"):
            raise Broken(f"the authorization server {issuer[:200]!r} calls itself {found.issuer[:200]!r}")
        if "S256" not in found.code_challenge_methods_supported:
            raise Broken("its authorization server does not support PKCE with S256")
        for endpoint in (found.authorization_endpoint, found.token_endpoint, found.registration_endpoint):
            if endpoint:
                check_url(endpoint)
        return found

    async def _fetch(self, url: str, kind: type[_Metadata]) -> _Metadata | None:
        """A document; None: there is none."""
        check_url(url)
        reply = await self._http.send(self._reach, "GET", url, {"accept": "application/json"}, timeout_s=FETCH_S)
        try:
            if reply.status in _NOT_THERE:
                return None
            if reply.status != 200:
                raise Unreachable(f"{url[:200]} responded with status {reply.status}")
            return msgspec.json.decode(await reply.body(METADATA_BYTES_MAX), type=kind)
        except ValueError as error:
            raise Broken(f"the metadata at {url[:200]} cannot be read: {error}") from error
        finally:
            reply.close()


def well_known(url: str, name: str) -> list[str]:
    """Where a document about `url` is: with its path, then without (RFC 8615)."""
    path = urlsplit(url).path.rstrip("/")
    root = f"{_origin(url)}/.well-known/{name}"
    return [f"{root}{path}", root] if path else [root]


def covers(resource: str, url: str) -> bool:
    """Whether a resource is the server at `url`, or a path above it, of the same origin."""
    theirs, ours = urlsplit(resource), urlsplit(url)
    if (theirs.scheme.lower(), theirs.netloc.lower()) != (ours.scheme.lower(), ours.netloc.lower()):
        return False
    return f"{ours.path.rstrip('/')}/".startswith(f"{theirs.path.rstrip('/')}/")


def check_url(url: str) -> None:
    """Raise `Broken` for a URL that credentials may not travel to in clear."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL):
        return
    raise Broken(f"its authorization uses {url[:200]!r}; expected https")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
