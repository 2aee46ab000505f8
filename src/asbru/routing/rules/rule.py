"""A routing rule as it is declared: in the configuration file, over the management API and in the snapshot alike.

Only types, bounds and words; whether a condition makes sense is `expression.check_rule`'s business.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

RuleScope: TypeAlias = Literal["virtual_key", "team", "customer", "global"]

CONDITION_CHARS_MAX = 1000


class RuleTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a call goes; what is not set stays as it was asked for."""

    provider: Annotated[
        Annotated[str, Meta(min_length=1, max_length=64)] | None,
        Meta(description="A configured provider. Default: the requested one."),
    ] = None
    model: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)] | None,
        Meta(description="The model of that provider. Default: the requested one."),
    ] = None
    key: Annotated[
        Annotated[str, Meta(min_length=1, max_length=128)] | None,
        Meta(description="Name of the only provider key to use."),
    ] = None
    weight: Annotated[
        float, Meta(gt=0, le=1_000_000, description="Share of the calls, relative to the other targets of the rule.")
    ] = 1.0


class RoutingRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls for which `when` holds go to one of `to`."""

    name: Annotated[
        str, Meta(pattern=r"^[ -:<-~]{1,128}$", description="Name in records; unique among the rules of its owner.")
    ]
    when: Annotated[
        str,
        Meta(
            max_length=CONDITION_CHARS_MAX,
            description="Condition in CEL; an empty condition is always true. See the routing guide.",
        ),
    ] = ""
    targets: Annotated[
        tuple[RuleTarget, ...],
        Meta(min_length=1, max_length=20, description="Targets, of which one is chosen per call, by weight."),
    ] = msgspec.field(name="to")
    fallbacks: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[^/\s]+/\S+$")], ...],
        Meta(
            max_length=20,
            description="Targets to try if that one fails, `provider/model`. Default: those of `fallbacks`.",
        ),
    ] = ()
    scope: Annotated[
        RuleScope,
        Meta(description="Scope of the rule. Rules of a key are evaluated before those of its team, and so on."),
    ] = "global"
    owner: Annotated[
        str, Meta(max_length=128, description="Name of the key, team or customer; empty for `global`.")
    ] = ""
    priority: Annotated[
        int,
        Meta(
            ge=-1_000_000, le=1_000_000, description="Rules of one owner are evaluated in this order, lowest first."
        ),
    ] = 0
    enabled: Annotated[bool, Meta(description="false disables the rule.")] = True
    chain: Annotated[
        bool, Meta(description="Evaluate the rules again with the new provider and model, at most 10 times.")
    ] = False
