"""Routing rules: conditions in CEL on what a call is, and the targets that it goes to where one holds.

Decisions on names: it refuses to know what a provider is, and to look anything up for itself.
"""

from asbru.routing.rules.expression import Condition, Context, RuleProblem, check_rule, make_context
from asbru.routing.rules.rule import RoutingRule, RuleTarget
from asbru.routing.rules.rules import Applied, Asked, Decision, Rules

__all__ = [
    "Applied",
    "Asked",
    "Condition",
    "Context",
    "Decision",
    "RoutingRule",
    "RuleProblem",
    "RuleTarget",
    "Rules",
    "check_rule",
    "make_context",
]
