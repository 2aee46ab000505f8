"""The compiled configuration: what the compile process hands to workers, as msgpack.

Everything is resolved (references read, aliases and provider facts filled in, prices turned into integers) and
valid: a worker decodes it with msgspec alone and never needs pydantic, YAML or the price library. The file holds
secrets in clear: it is written with mode 0600 into the run directory, and removed once no worker serves by it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from asbru.catalog import PricedModel
from asbru.core.secret_text import SecretText


class KeyFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One credential of a provider. `models` holds names or "*"; `aliases` maps a public name to the upstream's."""

    name: str
    value: SecretText
    models: tuple[str, ...] = ("*",)
    weight: float = 1.0
    aliases: dict[str, str] = {}


class Deadlines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds. `connect_s` covers TCP, proxy and TLS; `first_token_s` from the request sent to the first content;
    `idle_s` between chunks; `total_s` the whole attempt."""

    connect_s: float = 5.0
    first_token_s: float = 120.0
    idle_s: float = 60.0
    total_s: float = 600.0


class Retries(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Same key, full jitter: pauses drawn from [0, min(initial * 2^n, max)]."""

    max: int = 2
    pause_initial_s: float = 0.25
    pause_max_s: float = 5.0


class TlsFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to trust an upstream. `ca_pem` replaces the system's CAs when set."""

    ca_pem: str | None = None
    verify: bool = True


class ProviderFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider that may be called. `name` is what callers write before the slash.

    `kind` is the provider's folder; `dialect` "openai_chat" or "anthropic_messages"; `base_url` without a trailing
    slash, including the version segment where the provider has one (https://api.openai.com/v1).
    `auth`: "bearer" (Authorization) or "x-api-key". `headers` are sent with every call (anthropic-version).
    `operations`: what it offers: chat, completions, embeddings, models, count_tokens.
    `strip`: top-level request fields it refuses. `refuse_inputs`: kinds of parts it lacks (image, audio, document).
    `unix_socket`: connect there instead of to the host of `base_url`.
    `known_models`: names a bare model name may resolve to, and what /v1/models lists.
    `max_output_tokens`: per upstream model name, where known. `prices`: see `catalog`.
    A provider that needs no credential has one key whose value is "": nothing is sent. No keys at all: none is
    usable, and every call answers so.
    """

    name: str
    kind: str
    dialect: str
    base_url: str
    auth: str = "bearer"
    headers: dict[str, SecretText] = {}
    keys: tuple[KeyFacts, ...] = ()
    operations: tuple[str, ...] = ("chat", "models")
    strip: tuple[str, ...] = ()
    refuse_inputs: tuple[str, ...] = ()
    ask_stream_usage: bool = True
    legacy_max_tokens: bool = False
    allow_private: bool = False
    allow_loopback: bool = False
    proxy: SecretText | None = None
    tls: TlsFacts = TlsFacts()
    deadlines: Deadlines = Deadlines()
    retries: Retries = Retries()
    connections_max: int = 2048
    idle_connections_max: int = 256
    unix_socket: str | None = None
    known_models: tuple[str, ...] = ()
    max_output_tokens: dict[str, int] = {}
    prices: tuple[PricedModel, ...] = ()


class FallbackFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When `source` fails, `targets` are tried in order. Both are "provider/model"."""

    source: str
    targets: tuple[str, ...]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of the server, each with its unit."""

    head_bytes_max: int = 64 * 1024
    header_count_max: int = 128
    body_bytes_max: int = 32 * 1024 * 1024
    response_bytes_max: int = 64 * 1024 * 1024
    connections_max: int = 10_000
    requests_in_flight_max: int = 4096
    idle_timeout_s: float = 75.0
    head_timeout_s: float = 10.0
    body_timeout_s: float = 60.0
    drain_grace_s: float = 30.0


class PrefixForward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests whose path starts with `prefix` go to a process on `unix_socket`, untouched."""

    prefix: str
    unix_socket: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a worker serves by, but for what there may be thousands of, which is in the feed. `pepper`, in hex: what
    the digests of virtual keys are made under. `open_access`: no virtual keys are configured and the listener is
    loopback."""

    providers: tuple[ProviderFacts, ...] = ()
    pepper: SecretText = SecretText("")
    open_access: bool = False
    fallbacks: tuple[FallbackFacts, ...] = ()
    limits: Limits = Limits()
    forwards: tuple[PrefixForward, ...] = ()
    cors_origins: tuple[str, ...] = ()


def write_snapshot(snapshot: Snapshot) -> bytes:
    """The snapshot as msgpack."""
    return msgspec.msgpack.encode(snapshot, enc_hook=_reveal)


def read_snapshot(data: bytes) -> Snapshot:
    """The snapshot from msgpack; raises `msgspec.ValidationError` on anything unexpected."""
    return msgspec.msgpack.decode(data, type=Snapshot, dec_hook=_conceal)


def _reveal(value: Any) -> str:
    """For the snapshot alone: any other encoding of a secret is an error."""
    if isinstance(value, SecretText):
        return value.reveal()
    raise NotImplementedError(f"a snapshot holds no {type(value).__name__}")


def _conceal(kind: type, value: Any) -> SecretText:
    if kind is not SecretText or not isinstance(value, str):
        raise ValueError(f"expected text for {kind.__name__}")
    return SecretText(value)
