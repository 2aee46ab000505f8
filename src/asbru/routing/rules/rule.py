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
        Meta(description="A configured provider; none: the one asked for."),
    ] = None
    model: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)] | None,
        Meta(description="The model there; none: the one asked for."),
    ] = None
    key: Annotated[
        Annotated[str, Meta(min_length=1, max_length=128)] | None,
        Meta(description="The name of the provider's key to use, and no other."),
    ] = None
    weight: Annotated[
        float, Meta(gt=0, le=1_000_000, description="Its share of the calls, against the rule's other targets.")
    ] = 1.0


class RoutingRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls for which `when` holds go to one of `to`."""

    name: Annotated[
        str, Meta(pattern=r"^[ -:<-~]{1,128}$", description="Its name in records; unique among those of its owner.")
    ]
    when: Annotated[
        str,
        Meta(
            max_length=CONDITION_CHARS_MAX, description="Condition in CEL; empty: always. See the guide on routing."
        ),
    ] = ""
    targets: Annotated[
        tuple[RuleTarget, ...],
        Meta(min_length=1, max_length=20, description="One of these is drawn for each call, by weight."),
    ] = msgspec.field(name="to")
    fallbacks: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[^/\s]+/\S+$")], ...],
        Meta(
            max_length=20,
            description="Targets tried when that one fails, `provider/model`; none: those of `fallbacks`.",
        ),
    ] = ()
    scope: Annotated[
        RuleScope, Meta(description="Whose calls it is about. Rules of a key come before its team's, and so on.")
    ] = "global"
    owner: Annotated[
        str, Meta(max_length=128, description="The name of the key, team or customer; empty for `global`.")
    ] = ""
    priority: Annotated[
        int, Meta(ge=-1_000_000, le=1_000_000, description="Rules of one owner are asked in this order, lower first.")
    ] = 0
    enabled: Annotated[bool, Meta(description="false: the rule is kept, and not asked.")] = True
    chain: Annotated[
        bool, Meta(description="Ask the rules again with the new provider and model, at most 10 times.")
    ] = False
