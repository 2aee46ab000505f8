"""The compiled configuration: what the compile process hands to workers, as msgpack.

Everything is resolved (references read, aliases and provider facts filled in, prices turned into integers) and
valid: a worker decodes it with msgspec alone and never needs pydantic, YAML or the price library. What is served by as
it is written in the configuration (deadlines, retries, limits, fallbacks) is one Struct there, here and at run time.
The file holds secrets in clear: it is written with mode 0600 into the run directory, and removed once no worker serves
by it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from asbru.cache import CacheSettings
from asbru.catalog import PricedModel
from asbru.core.secret_text import SecretText
from asbru.core.traits import PLAIN, Addressing, TraitRule, Traits
from asbru.edge.limits import ServerLimits
from asbru.governance.limits import Reservation
from asbru.guardrails import GuardrailSettings
from asbru.mcp.servers import McpSettings
from asbru.records.retention import RecordSettings
from asbru.routing import RetryPolicy
from asbru.routing.affinity import AffinitySettings
from asbru.routing.breaker import BreakerSettings
from asbru.routing.rules import RoutingRule
from asbru.stored.responses import ConversationSettings
from asbru.telemetry.tracing import TraceExport
from asbru.upstream import ExchangeDeadlines
from asbru.upstream.origin import Reach, TlsTrust


class KeyFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One credential of a provider. `models` holds names or "*"; `aliases` maps a public name to the upstream's."""

    name: str
    value: SecretText
    models: tuple[str, ...] = ("*",)
    weight: float = 1.0
    aliases: dict[str, str] = {}


class ProviderFacts(Reach, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider that may be called. `name` is what callers write before the slash.

    `kind` is the provider's folder; `dialect` "openai_chat" or "anthropic_messages"; `base_url` without a trailing
    slash, including the version segment where the provider has one (https://api.openai.com/v1).
    `auth`: "bearer" (Authorization), a header's name, or what makes the credential ("module:name"); see
    `providers.Access`. `headers` are sent with every call (anthropic-version).
    `operations`: what it offers: chat, completions, embeddings, models, count_tokens.
    `also`: other dialects that it speaks at the same address with the same credentials, and what it offers in each:
    callers of these are served without translation. `also_for`: the models that some of these are for, by patterns.
    `addressing`: how it is asked in a dialect, where that is not the dialect's own way.
    `traits`: what it takes and refuses; `trait_rules` change them for some models, later ones win.
    `unix_socket`: connect there instead of to the host of `base_url`.
    `known_models`: names a bare model name may resolve to, and what /v1/models lists.
    `prices`: see `catalog`; the first `own_prices` are the configuration's. `purposes`: what models are for, see
    `providers.operations`. `vendor`: see `providers.Provider`.
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
    also: dict[str, tuple[str, ...]] = {}
    addressing: dict[str, Addressing] = {}
    also_for: dict[str, tuple[str, ...]] = {}
    traits: Traits = PLAIN
    trait_rules: tuple[TraitRule, ...] = ()
    tls: TlsTrust = TlsTrust()
    deadlines: ExchangeDeadlines = ExchangeDeadlines()
    retries: RetryPolicy = RetryPolicy()
    unix_socket: str | None = None
    known_models: tuple[str, ...] = ()
    prices: tuple[PricedModel, ...] = ()
    own_prices: int = 0
    purposes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    vendor: str = ""

    @property
    def offered(self) -> tuple[str, ...]:
        """What it offers, in one dialect or another."""
        return tuple(dict.fromkeys((*self.operations, *(name for names in self.also.values() for name in names))))


TARGET = r"^[^/\s]+/\S+$"
"""The form of `provider/model`."""


class Fallback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a call goes when its first target fails."""

    source: Annotated[
        str, Meta(pattern=TARGET, description="The requested target, `provider/model` or `provider/*`.")
    ] = msgspec.field(name="from")
    targets: Annotated[
        tuple[Annotated[str, Meta(pattern=TARGET)], ...],
        Meta(
            min_length=1,
            max_length=20,
            description="Targets to try in this order, `provider/model`; unknown providers are skipped.",
        ),
    ] = msgspec.field(name="to")


class Limits(ServerLimits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of the server; each worker holds them for itself."""

    response_bytes_max: Annotated[
        int, Meta(ge=1024, le=1 << 32, description="Size of a response that must be held in memory whole, bytes.")
    ] = 64 * 1024 * 1024
    requests_in_flight_max: Annotated[int, Meta(ge=1, le=1_000_000, description="Concurrent calls.")] = 4096
    drain_grace_s: Annotated[
        float, Meta(ge=0, le=86400, description="Time for calls in flight to complete at shutdown, seconds.")
    ] = 30.0


class Overload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to calls above `limits.requests_in_flight_max`, and above a provider's `connections_max`."""

    mode: Annotated[
        Literal["queue", "drop"],
        Meta(description="Calls above the bound: `queue`: they wait for their turn; `drop`: 503 with Retry-After."),
    ] = "queue"
    queued_max: Annotated[
        int,
        Meta(ge=1, le=1_000_000, description="Calls that wait, in all and for each provider; above it 503."),
    ] = 1000
    wait_s: Annotated[float, Meta(gt=0, le=3600, description="The longest wait, seconds; then 503.")] = 10.0

    @property
    def places(self) -> int:
        """How many may wait."""
        return self.queued_max if self.mode == "queue" else 0


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `/metrics` tells apart."""

    series_max: Annotated[
        int,
        Meta(
            ge=100,
            le=1_000_000,
            description="Combinations of labels of calls, over all workers. Later ones are counted with the label "
            "value `other` in place of the virtual key and the tags, then of the model and the other names.",
        ),
    ] = 10_000
    tags: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")], ...],
        Meta(max_length=8, description="Tags that become labels, as `tag_NAME`. Their values count as combinations."),
    ] = ()


class PrefixForward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A path prefix handed to a process on a Unix socket, untouched."""

    prefix: Annotated[str, Meta(pattern=r"^/[^\s?#]+$", description="Path prefix, such as `/api`.")]
    unix_socket: Annotated[str, Meta(pattern=r"^/", description="Absolute path of the socket.")]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a worker serves by, but for what there may be thousands of, which is in the feed. `pepper`, in hex: what
    the digests of virtual keys are made under. `open_access`: no virtual keys are configured and the listener is
    loopback. `keys_optional`: calls without a virtual key are served also where there are some. `models`: aliases.
    `object_keys`, in hex: what ids of stored objects are sealed under. `apis`: tools of the MCP servers that are HTTP
    APIs, by server; see `mcp.openapi.read_tools`."""

    providers: tuple[ProviderFacts, ...] = ()
    pepper: SecretText = SecretText("")
    open_access: bool = False
    keys_optional: bool = False
    object_keys: tuple[SecretText, ...] = ()
    models: dict[str, str] = {}
    fallbacks: tuple[Fallback, ...] = ()
    routing_rules: tuple[RoutingRule, ...] = ()
    guardrails: GuardrailSettings = GuardrailSettings()
    breaker: BreakerSettings = BreakerSettings()
    affinity: AffinitySettings = AffinitySettings()
    conversations: ConversationSettings = ConversationSettings()
    limits: Limits = Limits()
    overload: Overload = Overload()
    reservation: Reservation = Reservation()
    forwards: tuple[PrefixForward, ...] = ()
    cors_origins: tuple[str, ...] = ()
    access_log: bool = False
    tracing: TraceExport | None = None
    metrics: MetricsSettings = MetricsSettings()
    records: RecordSettings = RecordSettings()
    mcp: McpSettings = McpSettings()
    apis: dict[str, bytes] = {}
    cache: CacheSettings = CacheSettings()


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
    raise NotImplementedError(f"a snapshot cannot contain {type(value).__name__}")


def _conceal(kind: type, value: Any) -> SecretText:
    if kind is not SecretText or not isinstance(value, str):
        raise ValueError(f"expected text for {kind.__name__}")
    return SecretText(value)
