"""Rules over a text that comes in pieces: what can no longer belong to a finding flows at once, the rest is held.

    feed    more text; gives what may go
    close   the end of the text; gives the rest

Of the text that went nothing is kept but its last characters, which tell whether a word begins. No finding begins in
what went: checks say of each text where something may begin (`Judge.held`), whatever comes. A secret that is cut
anywhere is therefore replaced whole, or the stream ends before its first character. Only for rules whose checks say
where something is, and at once (`Rule.flows`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asbru.guardrails.engine.masking import Masking
from asbru.guardrails.engine.redaction import cuts_of, replace_cuts
from asbru.guardrails.engine.rule_set import Rule, Seen, blocks, look
from asbru.guardrails.findings import Finding

HELD_CHARS_MAX = 32 * 1024
"""How much may be held. Of a longer text that might still become a finding, the first half flows, once judged."""


_BEFORE_CHARS = 2
"""An escape of a line's end is that long, and a border of words as well."""


class Window:
    """See the module. `told` is given what each rule found, once it is certain; what it raises ends the text."""

    __slots__ = ("_before", "_held", "_masking", "_originals", "_rules", "_told")

    def __init__(
        self,
        rules: Sequence[Rule],
        masking: Masking,
        told: Callable[[Sequence[Seen]], None],
        originals: dict[str, str],
    ) -> None:
        self._rules = rules
        self._masking = masking
        self._told = told
        self._originals = originals
        self._before = ""
        self._held = ""

    @property
    def holds(self) -> bool:
        """Whether text is held."""
        return bool(self._held)

    def feed(self, text: str) -> str:
        """See the module."""
        held = self._held + text
        whole = self._before + held
        first = min((judge.held(whole) for rule in self._rules for _, judge in rule.judges), default=len(whole))
        return self._flow(held, max(first - len(self._before), len(held) - HELD_CHARS_MAX, 0))

    def close(self) -> str:
        """See the module."""
        return self._flow(self._held, len(self._held))

    def _flow(self, held: str, until: int) -> str:
        """Let go of `held` up to `until`, or to the beginning of a finding that ends behind it."""
        if not until:
            self._held = held
            return ""
        found = [self._look(rule, held) for rule in self._rules]
        # Whatever is found and ends behind the border waits, and with it what is before: a finding is replaced whole.
        for begin, end in sorted(
            ((one.start, one.end) for seen in found for one in seen.findings if one.start < until), reverse=True
        ):
            if end > until and len(held) - begin <= HELD_CHARS_MAX:
                until = min(until, begin)
        certain = [seen._replace(findings=[one for one in seen.findings if one.end <= until]) for seen in found]
        if blocks(certain) or any(seen.findings or seen.failed for seen in certain):
            self._told(certain)
        gone, self._held = held[:until], held[until:]
        if gone:
            self._before = (self._before + gone)[-_BEFORE_CHARS:]
        cuts = cuts_of(certain, 1)[0]
        return replace_cuts(gone, cuts, self._masking, self._originals) if cuts else gone

    def _look(self, rule: Rule, held: str) -> Seen:
        """What is found in what is held, with the character before it for the borders of words."""
        size = len(self._before)
        seen = look(rule, [self._before + held])
        if any(one.start < size for one in seen.findings):  # it would reach into what went: look without it
            return look(rule, [held])
        return seen._replace(findings=[_moved(one, -size) for one in seen.findings]) if size else seen


def _moved(finding: Finding, by: int) -> Finding:
    return finding._replace(start=finding.start + by, end=finding.end + by)
