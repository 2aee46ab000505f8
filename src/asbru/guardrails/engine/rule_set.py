"""A rule set: the rules of a configuration, compiled, with a version; and what they find in texts.

All rules see the text as it came. A check that fails counts as the rule says: the call fails, or goes on, and what is
returned tells. Not here: what takes the place of findings (`redaction.py`), texts in pieces (`window.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from asbru.core.errors import AsbruError, GuardrailUnavailable
from asbru.guardrails.checks import discover_checks, make_judge
from asbru.guardrails.engine.masking import Masking
from asbru.guardrails.findings import Asking, Finding, Judge, Ports
from asbru.guardrails.rule import GuardrailRule, Place, uses_of

FORMAT = "2"
"""Changes with what checks find, so that versions do."""


_TOGETHER = "\n\n"
"""Between texts that a service judges in one request: a long conversation is asked about once."""


class Rule(NamedTuple):
    """A rule, compiled. `judges` decide at once, `asking` ask elsewhere, each with its name; `spans`: all of its
    findings tell where in the text something is."""

    declared: GuardrailRule
    judges: tuple[tuple[str, Judge], ...]
    asking: tuple[tuple[str, Asking], ...]
    spans: bool

    @property
    def name(self) -> str:
        """As it is declared."""
        return self.declared.name

    @property
    def flows(self) -> bool:
        """Whether text of a stream may flow while the rule looks at it."""
        return self.spans and not self.asking and not self.declared.hold


class Seen(NamedTuple):
    """What a rule found. `failed`: the check that failed, "" for none; the findings are then not all."""

    rule: Rule
    findings: Sequence[Finding]
    failed: str = ""


class RuleSet:
    """See the module. `version`: a hash of all that decides. `key`: of the installation, for what takes the place of
    findings."""

    def __init__(self, rules: Iterable[GuardrailRule], key: bytes) -> None:
        """Raises `ValueError` for settings of checks that make no sense."""
        self.rules = tuple(compile_rule(rule) for rule in rules if rule.enabled)
        declared = msgspec.json.encode([rule.declared for rule in self.rules], enc_hook=_without_secrets)
        files = [judge.version for rule in self.rules for _, judge in (*rule.judges, *rule.asking)]
        said = b"\0".join((FORMAT.encode(), declared, *(one.encode() for one in files)))
        self.version = hashlib.sha256(said).hexdigest()[:16]
        self.masking = Masking(key, self.version)


def compile_rule(rule: GuardrailRule) -> Rule:
    """A rule with its checks. Raises `ValueError`."""
    judges: list[tuple[str, Judge]] = []
    asking: list[tuple[str, Asking]] = []
    spans = True
    for name, settings in uses_of(rule):
        credential = rule.credentials.get(name)
        judge = make_judge(name, settings, "" if credential is None else credential.reveal())
        check = discover_checks()[name]
        spans = spans and check.spans
        if check.asks:
            asking.append((name, judge))  # pyright: ignore[reportArgumentType] -- the record says which it is
        else:
            judges.append((name, judge))  # pyright: ignore[reportArgumentType] -- the record says which it is
    return Rule(rule, tuple(judges), tuple(asking), spans)


def _without_secrets(_: object) -> str:
    return ""


def look(rule: Rule, texts: Sequence[str]) -> Seen:
    """What the checks of a rule find that decide at once."""
    findings: list[Finding] = []
    for name, judge in rule.judges:
        try:
            findings += judge.judge(texts)
        except Exception as error:  # noqa: BLE001 -- a bug of a check: the rule says what follows, the record tells
            return _failed(rule, name, findings, error)
    return Seen(rule, findings)


async def scan(rules: Iterable[Rule], texts: Sequence[str], ports: Ports | None) -> list[Seen]:
    """What the rules find in texts. Raises `GuardrailUnavailable` where a check fails that must not."""
    found: list[Seen] = []
    for rule in rules:
        seen = look(rule, texts)
        if rule.asking and not seen.failed:
            seen = await _ask(seen, texts, ports)
        found.append(seen)
    return found


async def _ask(seen: Seen, texts: Sequence[str], ports: Ports | None) -> Seen:
    rule = seen.rule
    findings = list(seen.findings)
    for name, judge in rule.asking:
        try:
            if ports is None:
                raise ValueError("the service of this check cannot be reached from here")
            asked = texts if discover_checks()[name].spans else [_TOGETHER.join(texts)]
            found = await ports.within(judge.judge(asked, ports), rule.declared.timeout_ms / 1000)
            findings += found if asked is texts else [one._replace(end=len(texts[0])) for one in found]
        except Exception as error:  # noqa: BLE001 -- a service, or a bug of a check: the record tells
            return _failed(rule, name, findings, error)
    return Seen(rule, findings)


def _failed(rule: Rule, check: str, findings: Sequence[Finding], error: Exception) -> Seen:
    """What follows from a check that failed; what others found counts all the same."""
    if rule.declared.on_error == "closed":
        timed_out = isinstance(error, AsbruError) and error.code == "stage_timeout"
        raise GuardrailUnavailable(rule.name, check, "took too long" if timed_out else "failed") from error
    return Seen(rule, findings, check)


def blocks(seen: Iterable[Seen]) -> Seen | None:
    """The first rule that refuses what was found."""
    return next((one for one in seen if one.findings and one.rule.declared.action == "block"), None)


def for_place(rules: Iterable[Rule], place: Place) -> tuple[Rule, ...]:
    """The rules that look at a place."""
    return tuple(rule for rule in rules if place in rule.declared.places)
