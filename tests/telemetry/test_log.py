"""Log lines."""

from __future__ import annotations

import json

import pytest

from asbru.core.secret_text import SecretText
from asbru.telemetry import log
from asbru.telemetry.log import FORMAT_VARIABLE, VALUE_CHARS_MAX, format_json, format_line


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


def test_a_line_as_json() -> None:
    """One object: time, level and event, and fields as they are; secrets are masked, lone surrogates replaced."""
    fields = {"rows": 3, "on": True, "cost": None, "why": 'a "b"\n sk-asb-0123456789abcdef', "odd": "\ud800"}
    line = format_json("info", "rows  written\nwell", {**fields, "key": SecretText("x")}, 1.5)
    assert line.endswith("\n") and line.count("\n") == 1
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:01.500Z",
        "level": "info",
        "event": "rows written well",
        "rows": 3,
        "on": True,
        "cost": None,
        "why": 'a "b"\n sk-***',
        "odd": "?",
        "key": "SecretText(...)",
    }


@pytest.mark.parametrize("asked", ["json", "text", None])
def test_the_format_is_chosen_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: str | None
) -> None:
    """ASBRU_LOG_FORMAT; text when it is unset."""
    monkeypatch.delenv(FORMAT_VARIABLE, raising=False)
    if asked is not None:
        monkeypatch.setenv(FORMAT_VARIABLE, asked)
    log("error", "a", b=1)
    assert capsys.readouterr().err.startswith("{") == (asked == "json")


def test_no_value_steers_a_terminal() -> None:
    """Controls beyond ASCII and marks that turn the direction of text are escaped like the others, in both formats;
    what is read of the JSON is what was written."""
    hostile = "m\x1b[31m\x9b31m\u202e\u2066\x7f\u2028é"
    line = format_line("info", "e", {"model": hostile}, 0.0)
    structured = format_json("info", "e", {"model": hostile}, 0.0)
    for text in (line, structured):
        assert all(one.isprintable() for one in text.rstrip("\n")) and "\\u009b31m\\u202e" in text and "é" in text
    assert json.loads(structured)["model"] == hostile
