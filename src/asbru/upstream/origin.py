"""Where a provider is and how it may be reached: everything a dial depends on, comparable as one value."""

from __future__ import annotations

import msgspec

from asbru.core.secret_text import SecretText


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """`host` is a name or an address; `proxy` an http:// URL, perhaps with a password; `unix_socket` a path that
    replaces TCP.

    Two origins that compare equal may share connections; so a reload keeps the warm ones.
    """

    host: str
    port: int
    tls: bool = False
    verify: bool = True
    ca_pem: str | None = None
    proxy: SecretText | None = None
    unix_socket: str | None = None
    allow_private: bool = False
    allow_loopback: bool = False
    connections_max: int = 2048
    idle_connections_max: int = 256

    def __str__(self) -> str:
        return self.unix_socket or f"{self.host}:{self.port}"
