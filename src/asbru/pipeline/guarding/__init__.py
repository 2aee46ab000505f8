"""Guarding: rules of `asbru.guardrails` over calls, as a stage of the path.

`Guarding` is the maker: it finds the rules that apply to a call, by operation, condition and chance, and makes its
stage. A call to which none applies has none, and pays for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from asbru.guardrails.engine import Rule, RuleSet
from asbru.pipeline.guarding.flaws import flaws_of, proof_of
from asbru.pipeline.guarding.ports import GuardPorts
from asbru.pipeline.guarding.proof import can_check, is_for
from asbru.pipeline.guarding.stage import GuardStage
from asbru.pipeline.internal import SURFACE as INTERNAL
from asbru.pipeline.passthrough import SURFACE, UNKNOWN
from asbru.pipeline.routing.asked import read_values, watched_by, whose
from asbru.routing.rules import Condition, make_context

if TYPE_CHECKING:
    from asbru.governance.standing import Standings
    from asbru.pipeline.call import Call
    from asbru.pipeline.stages import Stage

__all__ = ["GuardPorts", "Guarding", "flaws_of", "proof_of"]


class Guarding:
    """See the module. `chance` draws from [0, 1); `ports`: what checks ask with. `watched`: headers that conditions
    read."""

    def __init__(
        self, rule_set: RuleSet, ports: GuardPorts, chance: Callable[[], float], standings: Standings | None = None
    ) -> None:
        """Raises `ValueError` for a condition that cannot be used."""
        self.version = rule_set.version
        self._rule_set = rule_set
        self._ports = ports
        self._chance = chance
        self._standings = standings
        self._conditions: dict[str, Condition] = {}
        reads: set[str] = set()
        names: dict[str, set[str]] = {}
        for rule in rule_set.rules:
            if rule.declared.when.strip():
                condition = self._conditions[rule.name] = Condition(rule.declared.when)
                reads |= condition.reads
                for one, found in condition.names.items():
                    names.setdefault(one, set()).update(found)
        self.reads = frozenset(reads)
        self.names = {one: frozenset(found) for one, found in names.items()}
        self.watched = watched_by(self)

    def __call__(self, call: Call) -> Stage | None:
        """The stage for a call. None: no rule applies."""
        if call.surface.startswith(INTERNAL):  # or a rule that asks a model would ask for ever
            return None
        rules = [rule for rule in self._rule_set.rules if _applies(rule, call)]
        if rules and self._conditions:
            rules = self._holding(call, rules)
        rules = [
            rule for rule in rules if rule.declared.sample_ratio >= 1 or self._chance() < rule.declared.sample_ratio
        ]
        return GuardStage(call, rules, self._rule_set, self._ports.of(call)) if rules else None

    def _holding(self, call: Call, rules: Sequence[Rule]) -> list[Rule]:
        """The rules whose condition holds. One that fails for another reason than a missing name counts as holding."""
        assert call.caller is not None, "nobody gets here without a key, or leave to do without"
        values = read_values(call, whose(call.caller), self._standings, self)
        provider, slash, model = ("" if call.head is None else call.head.model).partition("/")
        if not slash:
            provider, model = "", provider
        context = make_context({**values, "provider": provider, "model": model})
        holding: list[Rule] = []
        for rule in rules:
            condition = self._conditions.get(rule.name)
            try:
                if condition is None or condition.holds(context):
                    holding.append(rule)
            except KeyError:
                continue  # a name that is not there
            except Exception:  # noqa: BLE001 -- the rule is enforced, which the record tells
                holding.append(rule)
        return holding


def _applies(rule: Rule, call: Call) -> bool:
    """Whether a rule is about the call. What cannot be looked at is refused by `pipeline.stages`, where the rule does
    not allow it."""
    operation = call.operation
    passed = call.surface.startswith(SURFACE) or operation.stored is not None
    if not is_for(rule, UNKNOWN if passed and "*" in rule.declared.operations else operation):
        return False
    return rule.declared.unchecked == "refuse" or (not passed and can_check(rule, operation))
