"""Where a provider is and how it may be reached: everything a dial depends on, comparable as one value."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from asbru.core.secret_text import SecretText


class Reach(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a provider may be reached, and with how many connections."""

    allow_loopback: Annotated[
        bool, Meta(description="Allow connections to loopback addresses (127.0.0.0/8, ::1).")
    ] = False
    allow_private: Annotated[
        bool, Meta(description="Allow connections to private addresses (RFC 1918, RFC 4193).")
    ] = False
    proxy: Annotated[
        SecretText | None,
        Meta(description="HTTP proxy for this provider, http://host:port, optionally with user:password@."),
    ] = None
    connections_max: Annotated[
        int, Meta(ge=1, le=65535, description="Maximum number of connections per worker to this provider.")
    ] = 2048
    idle_connections_max: Annotated[
        int, Meta(ge=0, le=65535, description="Maximum number of idle connections per worker kept open for reuse.")
    ] = 256


class TlsTrust(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a certificate is checked. `ca_pem` replaces the system's CAs when set; without `verify` any will do."""

    ca_pem: str | None = None
    verify: bool = True


class Origin(Reach, frozen=True, kw_only=True):
    """`host` is a name or an address; `unix_socket` a path that replaces TCP. `metadata`: it is the machine's own
    source of credentials, whose address is allowed though no provider may have it.

    Two origins that compare equal may share connections; so a reload keeps the warm ones.
    """

    host: str
    port: int
    tls: bool = False
    trust: TlsTrust = TlsTrust()
    unix_socket: str | None = None
    metadata: bool = False

    def __str__(self) -> str:
        return self.unix_socket or f"{self.host}:{self.port}"
