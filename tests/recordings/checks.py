"""One verdict per recording: which checks apply to a row, run without sockets, and what they found.

Rows are spread over processes (`PROCESSES`); each result is the row's id and its list of reasons. The checks
that need a running gateway live in `gateway.py`; `merge` joins both into one verdict.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.recordings import cuts, translate
from tests.recordings.corpus import ANTHROPIC, CHAT, OPENAI, Row

PROCESSES = 2
REASONS_MAX = 8


@dataclass(slots=True)
class Verdict:
    """A row passed when no reason was found."""

    row: Row
    reasons: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every check that applies to the row was content."""
        return not self.reasons


def load_dialects() -> dict[str, Any]:
    """Both dialects by name."""
    from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC_DIALECT
    from asbru.dialects.openai_chat import DIALECT as OPENAI_DIALECT

    return {OPENAI: OPENAI_DIALECT, ANTHROPIC: ANTHROPIC_DIALECT}


def sans_io(row: Row, dialects: dict[str, Any]) -> list[str]:
    """All checks of one row that need no gateway."""
    if row.operation != CHAT:
        return translate.check_passing(row, dialects[row.dialect])[:REASONS_MAX]
    reasons = translate.check_request(row, dialects) + translate.check_answer(row, dialects)
    if row.stream:
        reasons += cuts.check(row, dialects[row.dialect])
    return reasons[:REASONS_MAX]


def run_sans_io(rows: list[Row], progress: Callable[[int], None]) -> Iterator[tuple[str, list[str]]]:
    """(id, reasons) of every row, in any order. The rows reach the processes by fork, not by pickling."""
    work = _Work(rows, load_dialects())
    ordered = sorted(range(len(rows)), key=lambda n: -len(rows[n].answer) * rows[n].stream)
    context = multiprocessing.get_context("fork")
    with context.Pool(PROCESSES, initializer=_Work.adopt, initargs=(work,)) as pool:
        for done, result in enumerate(pool.imap_unordered(_Work.one, ordered, chunksize=4), 1):
            progress(done)
            yield result


class _Work:
    """What a forked process works on: set once by the pool's initializer."""

    current: _Work

    def __init__(self, rows: list[Row], dialects: dict[str, Any]) -> None:
        self.rows = rows
        self.dialects = dialects

    @staticmethod
    def adopt(work: _Work) -> None:
        """Keep the work of this process."""
        _Work.current = work

    @staticmethod
    def one(number: int) -> tuple[str, list[str]]:
        """The verdict of one row by its number."""
        row = _Work.current.rows[number]
        return row.id, sans_io(row, _Work.current.dialects)


def merge(rows: list[Row], *results: dict[str, list[str]]) -> list[Verdict]:
    """One verdict per row from all results, in the corpus's order."""
    return [Verdict(row, [r for found in results for r in found.get(row.id, [])][:REASONS_MAX]) for row in rows]
