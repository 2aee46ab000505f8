"""A guardrail rule as it is declared: in the configuration file, over the management API and in the snapshot alike.

Only types, bounds and words. What the settings of its checks mean is `checks`' business, whether its condition makes
sense that of `app.compile_guardrails`, and where it can act that of `pipeline.guarding.proof`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from asbru.core.secret_text import SecretText

Place: TypeAlias = Literal["input", "output", "tool_arguments", "tool_results", "tool_descriptions"]
PLACES: tuple[Place, ...] = ("input", "output", "tool_arguments", "tool_results", "tool_descriptions")
Action: TypeAlias = Literal["allow", "annotate", "redact", "block"]
Replacement: TypeAlias = Literal["replace", "mask", "hash", "placeholder"]

CONDITION_CHARS_MAX = 1000
CheckSettings: TypeAlias = dict[str, Any]


class GuardrailRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `checks` find in `places` of the calls for which `when` holds meets with `action`."""

    name: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", description="Name in refusals, records and metrics.")
    ]
    checks: Annotated[
        tuple[str | dict[str, CheckSettings], ...],
        Meta(
            min_length=1,
            max_length=16,
            description="Checks, by name, or by name with settings: `secrets`, `{regex: {patterns: [...]}}`. Of "
            "findings that overlap, the one of the earlier check counts.",
        ),
    ]
    action: Annotated[
        Action,
        Meta(
            description="`block` refuses the call, `redact` replaces what was found, `annotate` notes it in a header "
            "of the response, `allow` only records it."
        ),
    ] = "block"
    replacement: Annotated[
        Replacement,
        Meta(
            description="What redaction puts in: `replace`: the kind of finding; `mask`: asterisks; `hash`: the kind "
            "and a keyed hash; `placeholder`: the same, and the reply gets the original back."
        ),
    ] = msgspec.field(default="replace", name="with")
    places: Annotated[
        tuple[Place, ...],
        Meta(
            min_length=1,
            max_length=5,
            description="What is checked: `input`, `output`, `tool_arguments`, `tool_results`, `tool_descriptions`.",
        ),
    ] = ("input", "output")
    when: Annotated[
        str,
        Meta(
            max_length=CONDITION_CHARS_MAX,
            description="Condition in CEL, as of routing rules; an empty condition is always true.",
        ),
    ] = ""
    operations: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^(\*|[a-z_]{1,64})$")], ...],
        Meta(min_length=1, max_length=64, description="Operations that it applies to (`chat`); `*` is all of them."),
    ] = ("*",)
    sample_ratio: Annotated[float, Meta(ge=0, le=1, description="Share of the calls that are checked.")] = 1.0
    hold: Annotated[
        bool,
        Meta(
            description="Hold each part of a stream until it is complete. Needed by checks that judge a whole text; "
            "others let text flow as soon as it cannot belong to a finding."
        ),
    ] = False
    timeout_ms: Annotated[
        int, Meta(ge=1, le=60_000, description="How long checks that ask elsewhere may take, milliseconds.")
    ] = 2000
    on_error: Annotated[
        Literal["open", "closed"],
        Meta(description="When a check fails: `closed` refuses the call, `open` lets it pass and records that."),
    ] = "closed"
    unchecked: Annotated[
        Literal["refuse", "allow"],
        Meta(
            description="Calls whose content cannot be read, such as passed-through ones: `refuse` them, or `allow` "
            "them without a check."
        ),
    ] = "refuse"
    credentials: Annotated[
        dict[str, SecretText],
        Meta(max_length=16, description="Credentials of checks that ask services, by the name of the check."),
    ] = {}
    enabled: Annotated[bool, Meta(description="false disables the rule.")] = True


class GuardrailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is checked of requests and replies."""

    rules: Annotated[
        tuple[GuardrailRule, ...], Meta(max_length=200, description="Rules; all that apply to a call are enforced.")
    ] = ()


def uses_of(rule: GuardrailRule) -> tuple[tuple[str, CheckSettings], ...]:
    """The checks of a rule with their settings."""
    return tuple(
        (one, CheckSettings()) if isinstance(one, str) else (name, one[name])
        for one in rule.checks
        for name in ([one] if isinstance(one, str) else one)
    )
