"""An MCP server that wants tokens, and the authorization server that gives them, at one fake upstream.

It refuses what a strict one refuses: unknown clients and redirect URIs, codes used twice, a wrong verifier, resource or
secret, refresh tokens that were rotated away. A browser is `visit`: it is let in, and comes back with a query.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.mcp_http import SessionServer
from tests.fakes.upstream import FakeUpstream, Reply, Seen

PATHS = ("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server/as")


class OAuthServer(SessionServer):
    """See the module. `resource`, `metadata`: changes to the two documents; `failing`: what the token endpoint answers
    instead, one after the other; `lives_s`: of tokens."""

    def __init__(self, upstream: FakeUpstream) -> None:
        super().__init__()
        self.upstream = upstream
        self.resource: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.failing: list[Reply] = []
        self.lives_s = 3600
        self.clients: dict[str, dict[str, Any]] = {}
        self.secrets: dict[str, str] = {}
        self.registrations: list[dict[str, Any]] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: set[str] = set()
        self.refresh_tokens: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        self.answer_late: Callable[[Reply], Reply] = lambda reply: reply

    @property
    def issuer(self) -> str:
        return f"{self.upstream.url}/as"

    @property
    def mcp_url(self) -> str:
        return f"{self.upstream.url}/mcp"

    def reply(self, seen: Seen) -> Reply:
        """To be put into `FakeUpstream.otherwise`."""
        if seen.path == "/mcp":
            return self._resource(seen)
        if seen.path == PATHS[0]:
            return Reply.json(
                {"resource": self.mcp_url, "authorization_servers": [self.issuer], "scopes_supported": ["a", "b"]}
                | self.resource
            )
        if seen.path == PATHS[1]:
            return Reply.json(self._described() | self.metadata)
        if seen.path == "/as/register":
            return self._register(seen.json())
        if seen.path == "/as/token":
            return self._token(seen)
        return Reply(404)

    def _resource(self, seen: Seen) -> Reply:
        token = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            challenge = f'Bearer error="invalid_token", resource_metadata="{self.upstream.url}{PATHS[0]}"'
            return Reply(401, (), {"www-authenticate": challenge})
        return super().reply(seen)

    def _described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "registration_endpoint": f"{self.issuer}/register",
            "code_challenge_methods_supported": ["plain", "S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": True,
        }

    def _register(self, metadata: dict[str, Any]) -> Reply:
        self.registrations.append(metadata)
        name = f"client-{len(self.registrations)}"
        self.clients[name] = metadata
        return Reply.json({**metadata, "client_id": name}, 201)

    def visit(self, url: str, **changes: str) -> dict[str, str]:
        """Somebody's browser goes to the URL and lets Asbru in; what it comes back with."""
        assert url.startswith(f"{self.issuer}/authorize?")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        client = self.clients[asked["client_id"]]
        assert asked["redirect_uri"] in client["redirect_uris"]
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["resource"] == self.mcp_url
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer, **changes}

    def _token(self, seen: Seen) -> Reply:
        form = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
        self.asked.append(form)
        if self.failing:
            return self.failing.pop(0)
        client = self._client(form, seen.headers.get("authorization", ""))
        if client is None:
            return _error("invalid_client", 401)
        assert form["resource"] == self.mcp_url
        if form["grant_type"] == "refresh_token":
            if self.refresh_tokens.pop(form["refresh_token"], None) != client:
                return _error("invalid_grant")
        else:
            asked = self.codes.pop(form["code"], None)
            digest = sha256(form["code_verifier"].encode()).digest()
            if asked is None or asked["code_challenge"] != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
                return _error("invalid_grant")
            assert (asked["client_id"], asked["redirect_uri"]) == (client, form["redirect_uri"])
        number = len(self.asked)
        self.tokens.add(f"access-{number}")
        self.refresh_tokens[f"refresh-{number}"] = client
        given = {"access_token": f"access-{number}", "token_type": "Bearer", "refresh_token": f"refresh-{number}"}
        return Reply.json({**given, "expires_in": self.lives_s})

    def _client(self, form: dict[str, str], authorization: str) -> str | None:
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            name, secret = (unquote(part) for part in pair.split(":"))
        return name if name in self.clients and self.secrets.get(name, "") == secret else None


def _error(code: str, status: int = 400) -> Reply:
    return Reply.body(json.dumps({"error": code, "error_description": "so it is"}).encode(), status=status)
