"""Feed entries of MCP: what workers are told of a server.

    kind "mcp_server"   id: the server's name   payload: ServerEntry (MessagePack)

The tools process writes them, workers only read. An entry is there for each server that is configured, whatever its
state; one that is unreachable keeps the definitions of its last synchronisation. Unknown members are passed over,
since a newer process may have written the entry.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Literal, TypeAlias

import msgspec

MCP_SERVER: Final = "mcp_server"

Era: TypeAlias = Literal["sessions", "stateless"]
"""`sessions`: 2025-11-25 and older; `stateless`: 2026-07-28."""

State: TypeAlias = Literal["ready", "connecting", "unreachable", "unauthorized", "failed", "disabled"]
Scope: TypeAlias = Literal["public", "private"]


class Definition(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool, resource, resource template or prompt. `name`: the tool's or prompt's name, the resource's `uri`, the
    template's `uriTemplate`. `definition`: the JSON object as the server gave it, to the byte. `digest`: `digest_of`
    it. `held`: it has changed, or looks like prompt injection, and is not approved, so nobody sees it or calls it.
    `suspicion`: what of it looks like prompt injection, "" for nothing."""

    name: str
    definition: bytes
    digest: str
    held: bool = False
    suspicion: str = ""


class ServerEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A server. `version`: the version of the protocol that was negotiated, "" where none was yet; `reason`: why it is
    not ready, in words for people. `capabilities`, `info`: JSON objects as the server gave them, b"" where unknown.
    `endpoint`: its URL, or the absolute path of the Unix socket on which the tools process presents it (then the
    path of the request is "/mcp"). `ttl_ms`, `scope`: how long and for whom lists may be kept, as the server says."""

    name: str
    era: Era = "sessions"
    version: str = ""
    state: State = "connecting"
    reason: str = ""
    capabilities: bytes = b""
    info: bytes = b""
    instructions: str = ""
    tools: tuple[Definition, ...] = ()
    resources: tuple[Definition, ...] = ()
    resource_templates: tuple[Definition, ...] = ()
    prompts: tuple[Definition, ...] = ()
    ttl_ms: int = 0
    scope: Scope = "private"
    endpoint: str = ""


def digest_of(definition: bytes) -> str:
    """The digest of a definition: of its members in order of their names, so that it does not depend on how the JSON
    was written. Raises `msgspec.DecodeError` for what is no JSON."""
    value: object = msgspec.json.decode(definition)
    return sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def write_server(entry: ServerEntry) -> bytes:
    """The payload."""
    return msgspec.msgpack.encode(entry)


def read_server(payload: bytes) -> ServerEntry:
    """The entry; raises `msgspec.ValidationError` or `msgspec.DecodeError`, both `ValueError`s."""
    return msgspec.msgpack.decode(payload, type=ServerEntry)
