"""Live settings: everything that is swapped whole while the gateway runs, without losing a call.

Only types, bounds and words; what the settings mean together (unknown providers, unusable keys) is `app.compile`.
Sections that are served by as they are written are the Structs of the rooms that use them; the others stand here.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta
from pydantic import Field

from asbru.app.config.base import Settings
from asbru.app.config.structs import FromStruct
from asbru.app.config.tracing import TracingSettings
from asbru.app.snapshot import TARGET, Fallback, Limits, MetricsSettings, Overload, PrefixForward
from asbru.cache import CacheSettings
from asbru.core.secret_text import SecretText
from asbru.core.traits import TraitChanges, TraitRule
from asbru.core.usage import Unit
from asbru.governance.declared import Access, Customer, ScopeLimits, Team
from asbru.governance.limits import Reservation
from asbru.guardrails import GuardrailSettings
from asbru.mcp.servers import McpSettings
from asbru.records.retention import RecordSettings
from asbru.routing import RetryPolicy
from asbru.routing.affinity import AffinitySettings
from asbru.routing.breaker import BreakerSettings
from asbru.routing.rules import RoutingRule
from asbru.stored.responses import ConversationSettings
from asbru.upstream import ExchangeDeadlines
from asbru.upstream.origin import Reach

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"

PRICED_NAME = r"^(\*?[^*/\s]+\*?|\*)/(\*?[^*\s]+\*?|\*)$"

ALIAS = r"^([^*\s]{1,200}\*?|\*)$"

PROVIDER_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"

BASE_URL = r"^https?://[^\s?#/@]+(/[^\s?#]*)?$"
"""Without `user:password@`, which is sent to nobody and would be shown."""


class ProviderKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One credential of a provider."""

    name: Annotated[str, Meta(pattern=_NAME, description="Name in records, metrics and logs.")]
    value: Annotated[
        SecretText,
        Meta(description="The credential. An unset `env.NAME` disables this key with a warning."),
    ] = SecretText("")
    models: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1, description="Models that the key may call, as the provider names them; `*` is every model."
        ),
    ] = ("*",)
    weight: Annotated[
        float, Meta(gt=0, le=1_000_000, description="Share of the calls, relative to the other keys.")
    ] = 1.0
    aliases: Annotated[
        dict[str, str], Meta(description="Public model name -> the provider's name for this key.")
    ] = {}


class UpstreamTls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the provider's certificate is checked."""

    ca_file: Annotated[str | None, Meta(description="PEM file with the CAs to trust instead of the system's.")] = None
    verify: Annotated[bool, Meta(description="false accepts any certificate; for tests only.")] = True


class TraitSettings(TraitChanges, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a provider's models take and refuse, where it is not what the provider's type says."""

    rules: Annotated[
        tuple[TraitRule, ...],
        Meta(description="Traits of some of its models; if several rules match, the last one applies."),
    ] = ()


_Usd: TypeAlias = Annotated[float, Meta(ge=0, le=1_000_000)]


class TokenPrices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a million tokens cost, in US dollars, and what is charged by the piece. Reasoning costs what output
    costs."""

    input: Annotated[_Usd, Meta(description="Input, USD per million tokens.")]
    output: Annotated[_Usd, Meta(description="Output and reasoning, USD per million tokens.")]
    cache_read: Annotated[_Usd | None, Meta(description="Input read from a prompt cache; default: `input`.")] = None
    cache_write: Annotated[_Usd | None, Meta(description="Input written to a cache; default: `input`.")] = None
    cache_write_1h: Annotated[
        _Usd | None, Meta(description="Input written to a cache for an hour; default: `cache_write`.")
    ] = None
    audio_input: Annotated[_Usd | None, Meta(description="Audio that goes in; default: `input`.")] = None
    audio_output: Annotated[_Usd | None, Meta(description="Audio that comes out; default: `output`.")] = None
    image_input: Annotated[_Usd | None, Meta(description="Images that go in; default: `input`.")] = None
    image_output: Annotated[_Usd | None, Meta(description="Images that come out; default: `output`.")] = None
    units: Annotated[
        dict[Unit, _Usd],
        Meta(
            description="What is charged by the piece, USD each: `image`, `second` (of audio), `character`, `page`, "
            "`search`, `request`."
        ),
    ] = {}


class ProviderSettings(Reach, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider that may be called; its name is what callers write before the slash of a model."""

    type: Annotated[
        str | None,
        Meta(description="Provider type; by default the provider's name, or `custom` with a `dialect`."),
    ] = None
    base_url: Annotated[
        Annotated[str, Meta(pattern=BASE_URL)] | None,
        Meta(description="API root with its version segment. Default: that of the type. Required for `custom`."),
    ] = None
    dialect: Annotated[
        str | None,
        Meta(description="Wire format: `openai`, `anthropic`. Default: that of the type. Required for `custom`."),
    ] = None
    keys: Annotated[
        tuple[ProviderKey, ...],
        Meta(max_length=1000, description="Credentials, chosen by weight and rotated on failure."),
    ] = ()
    headers: Annotated[
        dict[str, SecretText], Meta(max_length=64, description="Headers sent with every call to this provider.")
    ] = {}
    traits: Annotated[
        TraitSettings, Meta(description="What its models accept and refuse. Default: the traits of the type.")
    ] = TraitSettings()
    prices: Annotated[
        dict[Annotated[str, Meta(pattern=r"^(\*?[^*]+\*?|\*)$")], TokenPrices],
        Meta(
            max_length=1000,
            description="Prices by model, as the provider spells it; `*` stands for any text, at the start or the end. "
            "The first that fits holds, before those of the price data.",
        ),
    ] = {}
    deadlines: Annotated[ExchangeDeadlines, Meta(description="Time limits of an attempt.")] = ExchangeDeadlines()
    retries: Annotated[RetryPolicy, Meta(description="Retries with the same key.")] = RetryPolicy()
    tls: Annotated[UpstreamTls, Meta(description="Verification of the provider's certificate.")] = UpstreamTls()


class VirtualKey(Access, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key a caller presents. Only its digest reaches the workers."""

    value: Annotated[
        SecretText,
        Meta(description="The key; preferably `sk-asb-` and 32 random characters, from `env.NAME`."),
    ]


_OTHER_NAME = "Another name of `enforce_auth`."


class Governance(Reservation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who needs a key, how budgets and rate limits are held, and limits that hold whoever calls."""

    enforce_auth: Annotated[
        bool | None,
        Meta(
            description="true: every call needs a virtual key; false: no call does. Default: true if any virtual key "
            "is configured or other machines can call."
        ),
    ] = None
    enforce_auth_on_inference: Annotated[bool | None, Meta(description=_OTHER_NAME)] = None
    is_vk_mandatory: Annotated[bool | None, Meta(description=_OTHER_NAME)] = None
    enforce_governance_header: Annotated[bool | None, Meta(description=_OTHER_NAME)] = msgspec.field(
        default=None, name="enforceGovernanceHeader"
    )
    limits: Annotated[
        tuple[ScopeLimits, ...], Meta(description="Limits of providers, models and providers' keys.")
    ] = ()


class LiveSettings(Settings):
    """All live settings; `app.config.ConfigFile` adds the boot settings."""

    version: Annotated[Literal[1], Field(description="Version of this format.")] = 1
    providers: Annotated[
        dict[Annotated[str, Field(pattern=PROVIDER_NAME)], Annotated[ProviderSettings, FromStruct()]],
        Field(description="Providers by name."),
    ] = {}
    virtual_keys: Annotated[
        list[Annotated[VirtualKey, FromStruct()]],
        Field(description="Keys of callers. Without any, every local process may call a loopback listener."),
    ] = []
    customers: Annotated[
        list[Annotated[Customer, FromStruct()]], Field(description="Owners of teams and virtual keys.")
    ] = []
    teams: Annotated[list[Annotated[Team, FromStruct()]], Field(description="Owners of virtual keys.")] = []
    governance: Annotated[
        Governance,
        FromStruct(),
        Field(default_factory=Governance, description="Access and general limits."),
    ]
    prices: Annotated[
        dict[
            Annotated[str, Field(pattern=PRICED_NAME)],
            Annotated[TokenPrices, FromStruct()],
        ],
        Field(
            max_length=1000,
            description="Prices by `provider/model`; `*` stands for any text, at the start or the end of either. The "
            "first that fits holds, after those of the provider's own `prices`, before the price data.",
        ),
    ] = {}
    models: Annotated[
        dict[
            Annotated[str, Field(pattern=ALIAS)],
            Annotated[str, Field(pattern=TARGET)],
        ],
        Field(
            max_length=1000,
            description="Names of your own for models: `fast: groq/llama-3.3-70b-versatile`. A name that ends with "
            "`*` passes on every such name that no provider is known to have: `claude-*: anthropic/*`. Of several, the "
            "longest applies.",
        ),
    ] = {}
    fallbacks: Annotated[
        list[Annotated[Fallback, FromStruct()]], Field(description="Targets to try if a call fails.")
    ] = []
    routing_rules: Annotated[
        list[Annotated[RoutingRule, FromStruct()]],
        Field(
            max_length=1000, description="Targets for calls that match a condition; the first matching rule applies."
        ),
    ] = []
    guardrails: Annotated[
        GuardrailSettings,
        FromStruct(),
        Field(default_factory=GuardrailSettings, description="Checks of what requests and replies contain."),
    ]
    affinity: Annotated[
        AffinitySettings,
        FromStruct(),
        Field(
            default_factory=AffinitySettings, description="Keeps the calls of a session at the same target and key."
        ),
    ]
    conversations: Annotated[
        ConversationSettings,
        FromStruct(),
        Field(
            default_factory=ConversationSettings,
            description="Stored responses, from which callers go on by `previous_response_id`.",
        ),
    ]
    breaker: Annotated[
        BreakerSettings,
        FromStruct(),
        Field(default_factory=BreakerSettings, description="When Asbru stops using targets that fail."),
    ]
    records: Annotated[
        RecordSettings,
        FromStruct(),
        Field(default_factory=RecordSettings, description="What is recorded of calls, and for how long."),
    ]
    mcp: Annotated[
        McpSettings,
        FromStruct(),
        Field(default_factory=McpSettings, description="MCP servers whose tools agents reach through Asbru."),
    ]
    cache: Annotated[
        CacheSettings,
        FromStruct(),
        Field(default_factory=CacheSettings, description="Replies that are kept and served again."),
    ]
    limits: Annotated[Limits, FromStruct(), Field(default_factory=Limits, description="Limits of the server.")]
    overload: Annotated[
        Overload, FromStruct(), Field(default_factory=Overload, description="What happens to calls above the limits.")
    ]
    metrics: Annotated[
        MetricsSettings,
        FromStruct(),
        Field(default_factory=MetricsSettings, description="Labels of the metrics."),
    ]
    tracing: Annotated[
        TracingSettings,
        FromStruct(),
        Field(default_factory=TracingSettings, description="Traces of calls, by OpenTelemetry."),
    ]
    cors_origins: Annotated[
        list[Annotated[str, Field(pattern=r"^(\*|https?://[^\s/]+)$")]],
        Field(description="Browser origins that may call, such as `https://app.example`, or `*`."),
    ] = []
    forwards: Annotated[
        list[Annotated[PrefixForward, FromStruct()]],
        Field(description="Path prefixes forwarded to other processes."),
    ] = []
