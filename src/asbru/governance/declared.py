"""Owners as they are declared: in the configuration file, over the management API and in the database alike.

    customer -> team -> virtual key -> what the key may use of a provider

Each may have any number of budgets and rate limits; a call passes only if every owner above it has room. A list that is
empty allows nothing, `["*"]` allows everything.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

OWNER_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"

WINDOW = r"^([1-9][0-9]{0,4}[smhdwMQY]|run)$"
"""`30s 1m 1h 1d 1w 1M 1Q 1Y`, or `run`: one session or run of an agent."""

TOOLS = r"^[^\s]{1,256}$"

FORMS = {
    TOOLS: "`server/tool` with `*` for any text, or a name, without spaces",
    OWNER_NAME: "letters, digits and `.`, `_`, `-`, a letter or a digit first, 128 at most",
    WINDOW: "a window such as 30s, 1h, 1d or 1M, or `run`",
}
"""The forms that text must have, in words."""

Metric: TypeAlias = Literal["requests", "tokens", "input_tokens", "output_tokens", "concurrency"]

_Name: TypeAlias = Annotated[str, Meta(pattern=OWNER_NAME)]
_Names: TypeAlias = tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...]
_Tools: TypeAlias = tuple[Annotated[str, Meta(pattern=TOOLS)], ...]
_TOOLS = "MCP tools it may use, none by default: `server`, `server/tool` with globs, names of groups, or `*`"


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much may be spent in a window of time."""

    amount_usd: Annotated[float, Meta(gt=0, le=1e9, description="Spend allowed in each window, US dollars.")]
    window: Annotated[
        str, Meta(pattern=WINDOW, description="Length of the window: `30s 1m 1h 1d 1w 1M 1Q 1Y`, or `run`.")
    ] = "1M"
    aligned: Annotated[
        bool, Meta(description="Windows begin with the calendar (UTC midnight, Monday, the first of the month).")
    ] = False
    timezone: Annotated[
        str, Meta(max_length=64, description="IANA time zone of the calendar, such as `Europe/Berlin`.")
    ] = "UTC"
    policy: Annotated[
        Literal["strict", "expected"],
        Meta(
            description="`strict` reserves the worst case of each call and is never exceeded; `expected` reserves "
            "what calls typically cost."
        ),
    ] = "strict"


class RateLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many requests or tokens there may be in a sliding window of time, or how many calls at once."""

    metric: Annotated[Metric, Meta(description="What is counted.")]
    amount: Annotated[int, Meta(gt=0, le=10**15, description="Number allowed in each window.")]
    window: Annotated[
        str, Meta(pattern=WINDOW, description="Length of the window; not for `concurrency`, which has none.")
    ] = "1m"


class Limited(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every owner has."""

    budgets: Annotated[tuple[Budget, ...], Meta(max_length=16, description="All of them hold.")] = ()
    rate_limits: Annotated[tuple[RateLimit, ...], Meta(max_length=16, description="All of them hold.")] = ()


class Customer(Limited, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owner of teams and keys."""

    name: Annotated[str, Meta(pattern=OWNER_NAME, description="Unique among customers.")]
    mcp: Annotated[_Tools, Meta(max_length=1000, description=f"{_TOOLS}; for all of its keys.")] = ()


class Team(Limited, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owner of keys."""

    name: Annotated[str, Meta(pattern=OWNER_NAME, description="Unique among teams.")]
    mcp: Annotated[_Tools, Meta(max_length=1000, description=f"{_TOOLS}; for all of its keys.")] = ()
    customer: Annotated[_Name | None, Meta(description="The customer it belongs to.")] = None


class ProviderAccess(Limited, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a virtual key may use of a provider, with limits of its own."""

    provider: Annotated[str, Meta(description="The provider's name; `*` is every provider.")] = "*"
    models: Annotated[
        _Names, Meta(description="Models it may call: names, globs such as `gpt-4o*`, or `regex:` expressions.")
    ] = ("*",)
    blocked_models: Annotated[
        _Names, Meta(description="Models that it may not call, even if `models` allows them.")
    ] = ()
    keys: Annotated[_Names, Meta(description="The provider's keys that may serve it.")] = ("*",)
    weight: Annotated[
        Annotated[float, Meta(gt=0, le=1_000_000)] | None,
        Meta(
            description="Its share of the calls that name a model without a provider; none: only where it is named.",
        ),
    ] = None


class Access(Limited, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A virtual key, but for its value: who has it, what it may use and how much."""

    name: Annotated[str, Meta(pattern=OWNER_NAME, description="Its name in records, metrics and logs.")]
    team: Annotated[_Name | None, Meta(description="The team it belongs to.")] = None
    customer: Annotated[_Name | None, Meta(description="The customer it belongs to, where it has no team.")] = None
    models: Annotated[
        _Names,
        Meta(
            description="Models it may call: `provider/model`, `provider/*`, names, globs, `regex:` expressions, `*`."
        ),
    ] = ("*",)
    blocked_models: Annotated[
        _Names, Meta(description="Models that the key may not call, even if `models` allows them.")
    ] = ()
    providers: Annotated[
        tuple[ProviderAccess, ...], Meta(max_length=100, description="The providers it may use.")
    ] = (ProviderAccess(),)
    surfaces: Annotated[
        _Names,
        Meta(
            description="API surfaces it may call on: `openai`, `anthropic`, `genai`, `bedrock`, `cohere`, `mcp`, "
            "`passthrough`, or `*`."
        ),
    ] = ("*",)
    mcp: Annotated[
        _Tools, Meta(max_length=1000, description=f"{_TOOLS}; those of its team and customer are added.")
    ] = ()
    auto_approve: Annotated[
        _Tools,
        Meta(
            max_length=1000, description="Of these, the tools that Asbru may call without asking, in the same forms."
        ),
    ] = ()
    offer_tools: Annotated[
        bool, Meta(description="false: its tools are not offered in requests to models, only on /mcp.")
    ] = True
    expires_at: Annotated[
        str | None, Meta(description="When it stops working: RFC 3339, such as `2027-01-31T00:00:00Z`.")
    ] = None
    active: Annotated[bool, Meta(description="false: refused until it is true again.")] = True
    tags: Annotated[
        dict[str, Annotated[str, Meta(max_length=128)]], Meta(max_length=16, description="Written on its records.")
    ] = {}
    record_bodies: Annotated[
        bool, Meta(description="true: bodies of its calls are recorded, unless `records.bodies` is `off`.")
    ] = False
    cache: Annotated[bool, Meta(description="false: its calls are neither served from the cache nor kept in it.")] = (
        True
    )


LimitScope: TypeAlias = Literal["provider", "model", "provider_key", "tool"]


class ScopeLimits(Limited, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of a provider, a model, a provider's key or a tool, for all callers."""

    scope: Annotated[LimitScope, Meta(description="What they are about.")]
    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=256,
            description="`openai`; `openai/gpt-4o`, or the tool `files/read_file` (a glob is one limit for all it "
            "fits); `openai/key-name`.",
        ),
    ]
