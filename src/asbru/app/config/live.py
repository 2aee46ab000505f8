"""Live settings: everything that is swapped whole while the gateway runs, without losing a call.

Only types, bounds and words; what the settings mean together (unknown providers, unusable keys) is `app.compile`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Secret, SecretStr

from asbru.app.config.base import Settings

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"

PROVIDER_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"


class ProviderKey(Settings):
    """One credential of a provider."""

    name: Annotated[str, Field(pattern=_NAME, description="Its name in records, metrics and logs.")]
    value: Annotated[
        SecretStr,
        Field(description="The credential. An unset `env.NAME` disables this key with a warning."),
    ] = SecretStr("")
    models: Annotated[
        list[str],
        Field(min_length=1, description="Models it may call, as the provider names them; `*` is every model."),
    ] = ["*"]
    weight: Annotated[
        float, Field(gt=0, le=1_000_000, description="Its share of the calls, against the other keys'.")
    ] = 1.0
    aliases: Annotated[
        dict[str, str], Field(description="Public model name -> the provider's name for this key.")
    ] = {}


class DeadlineSettings(Settings):
    """How long an attempt may take."""

    connect_s: Annotated[float, Field(gt=0, le=3600, description="TCP, proxy and TLS together, seconds.")] = 5.0
    first_token_s: Annotated[
        float, Field(gt=0, le=86400, description="From the request sent to the first content, seconds.")
    ] = 120.0
    idle_s: Annotated[float, Field(gt=0, le=86400, description="Between two chunks of a stream, seconds.")] = 60.0
    total_s: Annotated[float, Field(gt=0, le=86400, description="The whole attempt, seconds.")] = 600.0


class RetrySettings(Settings):
    """Attempts with the same key after a network error or a 5xx; pauses double and are drawn with full jitter."""

    max: Annotated[int, Field(ge=0, le=10, description="Retries after the first attempt.")] = 2
    pause_initial_s: Annotated[
        float, Field(ge=0, le=3600, description="Upper bound of the first pause, seconds.")
    ] = 0.25
    pause_max_s: Annotated[float, Field(ge=0, le=3600, description="Upper bound of any pause, seconds.")] = 5.0


class UpstreamTls(Settings):
    """How the provider's certificate is checked."""

    ca_file: Annotated[str | None, Field(description="PEM file of the CAs to trust instead of the system's.")] = None
    verify: Annotated[bool, Field(description="false accepts any certificate: for tests only.")] = True


class ProviderSettings(Settings):
    """A provider that may be called; its name is what callers write before the slash of a model."""

    type: Annotated[
        str | None,
        Field(description="Provider type; by default the provider's name, or `custom` with a `dialect`."),
    ] = None
    base_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^\s?#]+$",
            description="API root with its version segment; default: the type's own. Required for `custom`.",
        ),
    ] = None
    dialect: Annotated[
        Literal["openai", "anthropic"] | None,
        Field(description="Wire format to ask it in; required for `custom`, else the type's first."),
    ] = None
    keys: Annotated[
        list[ProviderKey],
        Field(max_length=1000, description="Credentials, shared out by weight and rotated on failure."),
    ] = []
    headers: Annotated[
        dict[str, SecretStr],
        Field(max_length=64, description="Headers sent with every call to this provider."),
    ] = {}
    ask_stream_usage: Annotated[
        bool | None,
        Field(description="Ask for usage in streams when the caller did not; default: the type's own."),
    ] = None
    deadlines: Annotated[DeadlineSettings, Field(description="Time limits of an attempt.")] = DeadlineSettings()
    retries: Annotated[RetrySettings, Field(description="Retries with the same key.")] = RetrySettings()
    allow_loopback: Annotated[
        bool, Field(description="Allow connections to loopback addresses (127.0.0.0/8, ::1).")
    ] = False
    allow_private: Annotated[
        bool, Field(description="Allow connections to private addresses (RFC 1918, RFC 4193).")
    ] = False
    proxy: Annotated[
        Secret[Annotated[str, Field(pattern=r"^http://[^\s?#]+$")]] | None,
        Field(description="HTTP proxy for this provider, http://host:port."),
    ] = None
    tls: Annotated[UpstreamTls, Field(description="Trust of the provider's certificate.")] = UpstreamTls()
    connections_max: Annotated[int, Field(ge=1, le=65535, description="Connections per worker to this provider.")] = (
        2048
    )
    idle_connections_max: Annotated[
        int, Field(ge=0, le=65535, description="Connections per worker kept open for reuse.")
    ] = 256


class VirtualKey(Settings):
    """A key a caller presents. Only its digest reaches the workers."""

    name: Annotated[str, Field(pattern=_NAME, description="Its name in records, metrics and logs.")]
    value: Annotated[
        SecretStr,
        Field(description="The key, best `sk-asb-` and 32 random characters, best from `env.NAME`."),
    ]
    models: Annotated[
        list[str],
        Field(min_length=1, description="What it may call: `provider/model`, `provider/*`, or `*`."),
    ] = ["*"]


class Fallback(Settings):
    """Where a call goes when its first target fails."""

    source: Annotated[
        str,
        Field(alias="from", pattern=r"^[^/\s]+/\S+$", description="The target asked for, `provider/model`."),
    ]
    to: Annotated[
        list[Annotated[str, Field(pattern=r"^[^/\s]+/\S+$")]],
        Field(
            min_length=1,
            max_length=20,
            description="Targets tried in this order, `provider/model`; unknown providers are skipped.",
        ),
    ]


class LimitSettings(Settings):
    """Bounds of the server; each worker holds them for itself."""

    head_bytes_max: Annotated[int, Field(ge=1024, le=1 << 20, description="Request line and headers, bytes.")] = (
        64 * 1024
    )
    header_count_max: Annotated[int, Field(ge=8, le=10_000, description="Headers of a request.")] = 128
    body_bytes_max: Annotated[int, Field(ge=1024, le=1 << 32, description="Body of a request, bytes.")] = (
        32 * 1024 * 1024
    )
    response_bytes_max: Annotated[
        int, Field(ge=1024, le=1 << 32, description="Answer that must be held whole, bytes.")
    ] = 64 * 1024 * 1024
    connections_max: Annotated[int, Field(ge=1, le=1_000_000, description="Open connections.")] = 10_000
    requests_in_flight_max: Annotated[int, Field(ge=1, le=1_000_000, description="Calls being answered at once.")] = (
        4096
    )
    idle_timeout_s: Annotated[
        float, Field(gt=0, le=86400, description="An idle connection is closed after this, seconds.")
    ] = 75.0
    head_timeout_s: Annotated[
        float, Field(gt=0, le=3600, description="For the head of a request to arrive, seconds.")
    ] = 10.0
    body_timeout_s: Annotated[float, Field(gt=0, le=3600, description="For the body to go on arriving, seconds.")] = (
        60.0
    )
    drain_grace_s: Annotated[
        float, Field(ge=0, le=86400, description="Given to calls in flight at shutdown, seconds.")
    ] = 30.0


class Forward(Settings):
    """A path prefix handed to a process on a Unix socket, untouched."""

    prefix: Annotated[str, Field(pattern=r"^/[^\s?#]+$", description="Path prefix, such as `/api`.")]
    unix_socket: Annotated[str, Field(pattern=r"^/", description="Absolute path of the socket.")]


class LiveSettings(Settings):
    """All live settings; `app.config.ConfigFile` adds the boot settings."""

    version: Annotated[Literal[1], Field(description="Version of this format.")] = 1
    providers: Annotated[
        dict[Annotated[str, Field(pattern=PROVIDER_NAME)], ProviderSettings],
        Field(description="Providers by name."),
    ] = {}
    virtual_keys: Annotated[
        list[VirtualKey],
        Field(description="Keys of callers. Without any, a loopback listener is open to all local callers."),
    ] = []
    fallbacks: Annotated[list[Fallback], Field(description="Other targets for a call that fails.")] = []
    limits: Annotated[LimitSettings, Field(description="Bounds of the server.")] = LimitSettings()
    cors_origins: Annotated[
        list[Annotated[str, Field(pattern=r"^(\*|https?://[^\s/]+)$")]],
        Field(description="Browser origins that may call, such as `https://app.example`, or `*`."),
    ] = []
    forwards: Annotated[list[Forward], Field(description="Path prefixes handed to other processes.")] = []
