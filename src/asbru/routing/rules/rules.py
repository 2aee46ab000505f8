"""Which rule holds for a call, and which of its targets is drawn.

Rules of a key come before those of its team, its customer and the global ones; inside a scope the lower priority comes
first, then the order in which they are declared. The first that holds decides. One that says `chain` has the rules
asked again with what it decided, at most 10 times; a decision that was taken before ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

from asbru.routing.rules.expression import Condition, Context, make_context
from asbru.routing.rules.rule import RoutingRule, RuleScope, RuleTarget
from asbru.routing.weights import draw

CHAINED_MAX = 10
"""Rules that may follow each other for one call."""

_SCOPES: tuple[RuleScope, ...] = get_args(RuleScope)
_GLOBAL = ("global", "")


class Asked(NamedTuple):
    """What a call asks for, and whose it is: names, "" for none. `values`: of what the rules read (`Rules.reads`)."""

    provider: str
    model: str
    virtual_key: str
    team: str
    customer: str
    values: Mapping[str, object]


class Decision(NamedTuple):
    """Where a call goes by the rules. `provider` "": whoever has the model; `key` "": any of its keys. `drawn`: the
    rule has other targets too."""

    provider: str
    model: str
    key: str
    fallbacks: tuple[str, ...]
    drawn: bool = False


class Applied(NamedTuple):
    """A rule that held, and the target that it was asked with."""

    rule: RoutingRule
    provider: str
    model: str


class _Compiled(NamedTuple):
    rule: RoutingRule
    condition: Condition | None


class Rules:
    """The rules of one snapshot. `reads`: the variables that any of them reads; `names`: of each map, its names."""

    def __init__(self, rules: Sequence[RoutingRule]) -> None:
        """Raises ValueError for a condition that `check_rule` complains about."""
        self._by_owner: dict[tuple[str, str], list[_Compiled]] = {}
        reads: set[str] = set()
        names: dict[str, set[str]] = {}
        for rule in sorted(rules, key=lambda rule: rule.priority):
            if not rule.enabled:
                continue
            condition = Condition(rule.when) if rule.when.strip() else None
            self._by_owner.setdefault((rule.scope, rule.owner), []).append(_Compiled(rule, condition))
            if condition is not None:
                reads |= condition.reads
                for one, found in condition.names.items():
                    names.setdefault(one, set()).update(found)
        self._conditional = any(one.condition for found in self._by_owner.values() for one in found)
        self.reads = frozenset(reads)
        self.names = {one: frozenset(found) for one, found in names.items()}

    def decide(
        self, asked: Asked, chance: float, trail: list[str], applied: list[Applied] | None = None
    ) -> Decision | None:
        """Where the call goes; None when no rule holds. `chance` in [0, 1). `trail` takes what happened, for people,
        and `applied` the rules that held."""
        owners = zip(_SCOPES, (asked.virtual_key, asked.team, asked.customer), strict=False)
        rules = [one for owner in (*owners, _GLOBAL) if owner == _GLOBAL or owner[1] for one in self._of(owner)]
        if not rules:
            return None
        context: Context | None = None
        if self._conditional:
            context = make_context({**asked.values, "provider": asked.provider, "model": asked.model})
        provider, model, key = asked.provider, asked.model, ""
        taken = {(provider, model)}
        last: RoutingRule | None = None
        for _ in range(CHAINED_MAX):
            rule = _first(rules, context, trail)
            if rule is None:
                break
            if applied is not None:
                applied.append(Applied(rule, provider, model))
            target = draw(rule.targets, chance)
            provider, model, key = _applied(target, provider, model)
            trail.append(_told(rule, target, provider, model))
            last = rule
            if not rule.chain or (provider, model) in taken:
                break
            taken.add((provider, model))
            if context is not None:
                context.add_variable("provider", provider)
                context.add_variable("model", model)
        return None if last is None else Decision(provider, model, key, last.fallbacks, len(last.targets) > 1)

    def _of(self, owner: tuple[str, str]) -> Sequence[_Compiled]:
        return self._by_owner.get(owner, ())


def _first(rules: Sequence[_Compiled], context: Context | None, trail: list[str]) -> RoutingRule | None:
    for rule, condition in rules:
        if condition is None:
            return rule
        assert context is not None, "a condition must read at least one variable"
        try:
            if condition.holds(context):
                return rule
        except KeyError:
            continue  # a name that is not there
        except Exception as error:  # noqa: BLE001 -- told in the record of the call; the rule does not hold
            trail.append(f"rule '{rule.name}' failed: {type(error).__name__}")
    return None


def _applied(target: RuleTarget, provider: str, model: str) -> tuple[str, str, str]:
    return target.provider or provider, target.model or model, target.key or ""


def _told(rule: RoutingRule, target: RuleTarget, provider: str, model: str) -> str:
    share = ""
    if len(rule.targets) > 1:
        share = f" (weight {target.weight:g} of {sum(one.weight for one in rule.targets):g})"
    to = f"{provider}/{model}" if provider else model
    return f"rule '{rule.name}': {to}{share}"
