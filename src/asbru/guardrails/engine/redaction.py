"""Texts with findings replaced. Where findings overlap, what is replaced is all that they cover, in the name of the
first: no rest of one is left by another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from asbru.guardrails.engine.masking import Masking
from asbru.guardrails.engine.rule_set import Seen
from asbru.guardrails.rule import Replacement


class Redacted(NamedTuple):
    """Texts with findings replaced; `originals`: of placeholders, what they stand for."""

    texts: list[str]
    originals: dict[str, str]


class Cut(NamedTuple):
    """A part of a text that is replaced."""

    start: int
    end: int
    kind: str
    how: Replacement


def cuts_of(seen: Iterable[Seen], count: int) -> list[list[Cut]]:
    """For each of `count` texts what is replaced, in order, nothing twice."""
    cuts: list[list[Cut]] = [[] for _ in range(count)]
    for one in seen:
        if one.rule.declared.action == "redact":
            for finding in one.findings:
                cuts[finding.text].append(
                    Cut(finding.start, finding.end, finding.kind, one.rule.declared.replacement)
                )
    return [_merged(one) if len(one) > 1 else one for one in cuts]


def _merged(cuts: list[Cut]) -> list[Cut]:
    ordered = sorted(enumerate(cuts), key=lambda entry: (entry[1].start, entry[0]))
    merged: list[tuple[int, Cut]] = []
    for rank, cut in ordered:
        if merged and cut.start < merged[-1][1].end:
            before, last = merged[-1]
            first = last if before <= rank else cut
            merged[-1] = (
                min(before, rank),
                first._replace(start=last.start, end=max(last.end, cut.end)),
            )
        else:
            merged.append((rank, cut))
    return [cut for _, cut in merged]


def redact(texts: Sequence[str], seen: Iterable[Seen], masking: Masking) -> Redacted:
    """The texts anew: the same objects where nothing was found."""
    originals: dict[str, str] = {}
    changed = list(texts)
    for index, cuts in enumerate(cuts_of(seen, len(texts))):
        if cuts:
            changed[index] = replace_cuts(texts[index], cuts, masking, originals)
    return Redacted(changed, originals)


def replace_cuts(text: str, cuts: Iterable[Cut], masking: Masking, originals: dict[str, str]) -> str:
    """The text with its cuts replaced; `originals` takes what placeholders stand for."""
    pieces: list[str] = []
    done = 0
    for cut in cuts:
        original = text[cut.start : cut.end]
        instead = masking.replace(original, cut.kind, cut.how)
        if cut.how == "placeholder":
            originals[instead] = original
        pieces += (text[done : cut.start], instead)
        done = cut.end
    pieces.append(text[done:])
    return "".join(pieces)
