"""Which era a server speaks, and what it says of itself.

    server/discover, as 2026-07-28 asks for   answered with a version of ours   stateless
                                              an error, or no such versions     initialize: with sessions
                                              -32022 with versions of ours      once more, with that version

An outage is never a verdict on the era. A server on a pipe may leave a request that it does not know unanswered, so
there DISCOVER_S is one.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from asbru import __version__
from asbru.app.tools.envelope import meta_of
from asbru.app.tools.peers import Broken, Peer, Refused, Unreachable
from asbru.mcp.catalogue import ServerEntry

STATELESS_VERSIONS: Final = ("2026-07-28",)
SESSION_VERSIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
UNSUPPORTED_VERSION: Final = -32022
SERVER_INFO: Final = "io.modelcontextprotocol/serverInfo"
DISCOVER_S: Final = 5.0
ANSWER_S: Final = 60.0
"""To begin with, a program may have to be downloaded."""

CLIENT_INFO: Final = MappingProxyType({"name": "asbru", "version": __version__})


def client_capabilities(*, of_user: bool = False) -> dict[str, Any]:
    """What callers may be asked for. Roots are of one caller, so they are for a session of a user alone."""
    return {"elicitation": {"form": {}, "url": {}}, "sampling": {}, **({"roots": {}} if of_user else {})}


class Greeting(msgspec.Struct, frozen=True):
    """What a server said of itself. `result`: the result of `initialize` or of `server/discover`, as it came."""

    era: str
    version: str
    result: bytes
    capabilities: bytes = b""
    info: bytes = b""
    instructions: str = ""
    ttl_ms: int = 0

    def entry(self, name: str) -> ServerEntry:
        """The entry of a server that is ready."""
        return ServerEntry(
            name=name,
            era="stateless" if self.era == "stateless" else "sessions",
            version=self.version,
            state="ready",
            capabilities=self.capabilities,
            info=self.info,
            instructions=self.instructions,
        )

    def offers(self, what: str) -> bool:
        """Whether it has tools, resources or prompts at all."""
        return what in self._offered()

    def _offered(self) -> dict[str, Raw]:
        try:
            return msgspec.json.decode(self.capabilities or b"{}", type=dict[str, Raw])
        except ValueError:
            return {}


class _Initialized(msgspec.Struct, rename="camel"):
    protocol_version: str
    capabilities: Raw = Raw(b"{}")
    server_info: Raw = Raw(b"")
    instructions: str = ""


class _Discovered(msgspec.Struct, rename="camel"):
    supported_versions: list[str]
    capabilities: Raw = Raw(b"{}")
    instructions: str | None = None


class _Supported(msgspec.Struct):
    supported: list[str] = []


def meta(version: str) -> dict[str, Any]:
    """The `_meta` of a request of the stateless era."""
    prefix = "io.modelcontextprotocol/"
    return {
        f"{prefix}protocolVersion": version,
        f"{prefix}clientInfo": dict(CLIENT_INFO),
        f"{prefix}clientCapabilities": client_capabilities(),
    }


def request_params(peer: Peer, given: dict[str, Any] | None = None) -> bytes | None:
    """The params of a request of ours, as the era of the server wants them."""
    params = dict(given or {})
    if peer.is_stateless:
        params["_meta"] = meta(peer.version)
    return msgspec.json.encode(params) if params else None


async def negotiate(peer: Peer, *, on_pipe: bool = False) -> Greeting:
    """Greet a server. Raises what `Peer.ask` does."""
    version: str | None = STATELESS_VERSIONS[0]
    refused_once: set[str] = set()
    while version is not None:
        try:
            greeting = await _discover(peer, version, on_pipe=on_pipe)
        except Refused as refused:
            supported = _supported(refused.data) if refused.code == UNSUPPORTED_VERSION else ()
            known = [one for one in STATELESS_VERSIONS if one in supported and one not in refused_once]
            refused_once.add(version)
            version = known[0] if known else None
            if not known and supported and not any(one in SESSION_VERSIONS for one in supported):
                raise Broken(
                    f"it speaks only versions {', '.join(supported)}, which Asbru does not support"
                ) from refused
        else:
            if greeting is not None:
                return greeting
            version = None
    try:
        return await initialize(peer, ANSWER_S)
    except Refused as refused:
        # A server that was slow to start has taken the first greeting after we gave up waiting, and keeps to that era.
        late = refused.code == UNSUPPORTED_VERSION and await _discover(peer, STATELESS_VERSIONS[0], on_pipe=on_pipe)
        if not late:
            raise
        return late


async def _discover(peer: Peer, version: str, *, on_pipe: bool) -> Greeting | None:
    """None: it does not speak this era. Raises `Refused`."""
    peer.version, peer.is_stateless = version, True
    try:
        result = await peer.ask("server/discover", request_params(peer), DISCOVER_S if on_pipe else ANSWER_S)
        found = msgspec.json.decode(result, type=_Discovered)
    except (Broken, ValueError):
        return None
    except Unreachable:
        if on_pipe:
            return None
        raise
    if not any(one in STATELESS_VERSIONS for one in found.supported_versions):
        return None
    info = meta_of(Raw(result), SERVER_INFO)
    return Greeting(
        era="stateless",
        version=version,
        result=result,
        capabilities=bytes(found.capabilities),
        info=b"" if info is UNSET else bytes(info),
        instructions=found.instructions or "",
    )


async def initialize(peer: Peer, timeout_s: float) -> Greeting:
    """Begin a session. Raises what `Peer.ask` does."""
    peer.version, peer.is_stateless = "", False
    asked = {
        "protocolVersion": SESSION_VERSIONS[0],
        "capabilities": client_capabilities(of_user=peer.is_of_user),
        "clientInfo": dict(CLIENT_INFO),
    }
    result = await peer.ask("initialize", msgspec.json.encode(asked), timeout_s)
    try:
        found = msgspec.json.decode(result, type=_Initialized)
    except ValueError as error:
        raise Broken(f"its response to initialize cannot be read: {error}") from error
    if found.protocol_version not in SESSION_VERSIONS:
        raise Broken(f"it speaks version {found.protocol_version[:40]!r}, which Asbru does not support")
    peer.version = found.protocol_version
    await peer.tell("notifications/initialized")
    return Greeting(
        "sessions",
        found.protocol_version,
        result,
        bytes(found.capabilities),
        bytes(found.server_info),
        found.instructions,
    )


def _supported(data: Raw | UnsetType) -> tuple[str, ...]:
    if data is UNSET:
        return ()
    try:
        return tuple(msgspec.json.decode(data, type=_Supported).supported)
    except ValueError:
        return ()
