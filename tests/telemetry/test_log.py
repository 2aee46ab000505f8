"""Log lines."""

from __future__ import annotations

import pytest

from asbru.core.secret_text import SecretText
from asbru.telemetry import log
from asbru.telemetry.log import VALUE_CHARS_MAX, format_line


def test_a_line_says_when_what_and_with_which_values() -> None:
    """Time in UTC with milliseconds, level, event, fields; values with spaces are quoted, lines stay one."""
    line = format_line(
        "info", "rows  written\nwell", {"rows": 3, "path": "/a/b.sqlite", "why": 'a "b"\n\\c\x01é', "on": True}, 1.5
    )
    assert line == (
        "1970-01-01T00:00:01.500Z info    rows written well rows=3 path=/a/b.sqlite "
        'why="a \\"b\\"\\n\\\\c\\u0001é" on=True\n'
    )


def test_secrets_do_not_get_through() -> None:
    """A SecretText has no text, and what looks like a key is masked; values are bounded; surrogates are replaced."""
    fields = {"key": SecretText("x"), "why": "bad key sk-asb-0123456789abcdef", "long": "x" * 9999, "odd": "\ud800"}
    line = format_line("error", "refused Bearer abcdefghijkl", fields, 0)
    assert "0123456789" not in line
    assert "abcdefghijkl" not in line
    assert "key=SecretText(...)" in line.replace('"', "")
    assert len(line) < VALUE_CHARS_MAX + 200
    assert line.isascii() or line.encode()


@pytest.mark.parametrize(("least", "count"), [("debug", 4), ("info", 3), ("error", 1), ("nonsense", 3), (None, 3)])
def test_the_level_is_filtered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], least: str | None, count: int
) -> None:
    """ASBRU_LOG is the least level written; info when it is unset or unknown."""
    monkeypatch.delenv("ASBRU_LOG", raising=False)
    if least is not None:
        monkeypatch.setenv("ASBRU_LOG", least)
    log("debug", "a")
    log("info", "b")
    log("warning", "c")
    log("error", "d")
    assert len(capsys.readouterr().err.splitlines()) == count
