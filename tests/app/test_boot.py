"""The supervisor's side of compiling: what is told of what the compile process said."""

from __future__ import annotations

import pytest

from asbru.app.boot import SHOWN_MAX, CompileOutcome


def test_a_flood_of_problems_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings and errors are logged up to a bound, and what is left out is counted."""
    outcome = CompileOutcome()
    outcome.warnings = [f"warning-{at}" for at in range(SHOWN_MAX + 5)]
    outcome.errors = ["error-0"]
    outcome.report()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == SHOWN_MAX + 2
    assert f"warning-{SHOWN_MAX - 1}" in lines[SHOWN_MAX - 1]
    assert "and 5 more" in lines[SHOWN_MAX] and "error-0" in lines[-1]


def test_a_generated_key_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """The log would mask it; it is written beside the log, once."""
    outcome = CompileOutcome()
    outcome.generated_key = "sk-asb-0123456789abcdef"
    outcome.report()
    assert capsys.readouterr().err.count("sk-asb-0123456789abcdef") == 1
