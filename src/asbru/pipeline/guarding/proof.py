"""The proof of a policy: for each operation and stream mode, what each rule does in each of its places.

    enforced    the rule acts there; `how` says in which way
    absent      there is no such place: an embedding has no output in words
    refused     the content cannot be read there, so calls are refused (`unchecked: refuse`)
    unchecked   the content cannot be read there, and calls pass (`unchecked: allow`)
    impossible  the rule says something that cannot be done there; such a rule is refused

The same functions decide at run time, so the table is what happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from asbru.dialects import Dialect, Operation
from asbru.guardrails import PLACES, Place, ProofRow, Verdict
from asbru.mcp.protocol.dialect import MCP
from asbru.pipeline.passthrough import SURFACE, UNKNOWN

if TYPE_CHECKING:
    from asbru.guardrails.engine import Rule

_TOOLS = frozenset(operation.name for operation in MCP.operations)
_TOOL_PLACES = frozenset(("tool_arguments", "tool_results"))


def reads_input(operation: Operation) -> bool:
    """Whether the texts of requests can be read."""
    return bool(operation.codec or operation.read_request or operation.texts or operation.form_texts)


def reads_output(operation: Operation) -> bool:
    """Whether there is nothing to read in replies, or it can be read."""
    return operation.codec is not None or operation.spoken is not None or not operation.speaks


def is_tool(operation: Operation) -> bool:
    """Whether it is a call to an MCP server, which has arguments and results, and nothing else."""
    return operation.name in _TOOLS


def can_check(rule: Rule, operation: Operation) -> bool:
    """Whether the rule can look wherever it should in calls of the operation."""
    places = rule.declared.places
    if is_tool(operation):
        return True
    return (reads_input(operation) or places == ("output",)) and ("output" not in places or reads_output(operation))


def is_for(rule: Rule, operation: Operation) -> bool:
    """Whether the rule is about the operation, and about anything in it."""
    if is_tool(operation) and _TOOL_PLACES.isdisjoint(rule.declared.places):
        return False
    return "*" in rule.declared.operations or operation.name in rule.declared.operations


def prove(rules: Iterable[Rule], dialects: Mapping[str, Dialect]) -> Iterator[ProofRow]:
    """The table: operations as callers reach them, then passed-through calls."""
    asked = [
        (f"{dialect.surface.name}.{operation.surface}", operation)
        for dialect in dialects.values()
        if dialect.surface.name
        for operation in dialect.operations
        if operation.stored is None or operation.stored.spends
    ]
    asked += [(f"{MCP.name}.{operation.surface}", operation) for operation in MCP.operations]
    for rule in rules:
        for surface, operation in (*asked, (SURFACE, UNKNOWN)):
            if not is_for(rule, operation):
                continue
            for stream in (False, True) if operation.streams else (False,):
                for place in PLACES:
                    if place in rule.declared.places:
                        verdict, how = _verdict(rule, operation, place, stream=stream)
                        yield ProofRow(
                            surface, operation.name, stream, rule.name, place, rule.declared.action, verdict, how
                        )


def _verdict(rule: Rule, operation: Operation, place: Place, *, stream: bool) -> tuple[Verdict, str]:
    is_chat = operation.codec is not None
    if operation is UNKNOWN or operation.stored is not None:
        return _unread(rule, "what is passed on as it comes cannot be read")
    if is_tool(operation):
        return _of_tool(rule, place)
    if place.startswith("tool_") and operation.read_request is None and not is_chat:
        return "absent", "no tools"
    if place == "output":
        if not operation.speaks and (operation.spoken is None or stream):
            return "absent", "no words come out"
        if not reads_output(operation):
            return _unread(rule, "replies cannot be read")
        return _out(rule, stream=stream)
    if not reads_input(operation):
        return _unread(rule, "requests cannot be read")
    if rule.declared.action == "redact" and not rule.spans:
        return _not_replaced(rule)
    if place == "tool_arguments" and stream:
        return "enforced", "each call of a tool is held until its arguments are complete"
    return "enforced", "before anything is sent" if place != "tool_arguments" else "in requests and replies"


def _of_tool(rule: Rule, place: Place) -> tuple[Verdict, str]:
    if place not in _TOOL_PLACES:
        return "absent", "a call of a tool has arguments and results only"
    if rule.declared.action == "redact" and not rule.spans:
        return _not_replaced(rule)
    if place == "tool_arguments":
        return "enforced", "before the server is asked"
    data = "refused" if rule.declared.unchecked == "refuse" else "passed on"
    return "enforced", f"before anything is sent to the caller; files that cannot be read are {data}"


def _out(rule: Rule, *, stream: bool) -> tuple[Verdict, str]:
    if rule.declared.action == "redact" and not rule.spans:
        return _not_replaced(rule)
    if not stream:
        return "enforced", "before the reply is sent"
    if rule.flows:
        return "enforced", "while it flows; what may belong to a finding is held"
    if rule.declared.hold:
        return "enforced", "each part is held until it is complete"
    whole = ", ".join(f"'{name}'" for name, _ in (*rule.asking, *rule.judges) if not _has_spans(name))
    return (
        "impossible",
        f"{whole} must see the whole text of a stream; set `hold: true` to hold it, or leave `output` out of `places`",
    )


def _has_spans(name: str) -> bool:
    from asbru.guardrails.checks import discover_checks

    check = discover_checks()[name]
    return check.spans and not check.asks


def _not_replaced(rule: Rule) -> tuple[Verdict, str]:
    whole = ", ".join(f"'{name}'" for name, _ in (*rule.judges, *rule.asking) if not _has_spans(name))
    return "impossible", f"{whole} judges a text as a whole, so there is nothing to replace; use `block`"


def _unread(rule: Rule, why: str) -> tuple[Verdict, str]:
    if rule.declared.unchecked == "refuse":
        return "refused", f"{why}, so such calls are refused"
    return "unchecked", f"{why}, and such calls pass"
