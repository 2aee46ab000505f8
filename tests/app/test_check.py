"""Asking another process whether a configuration would compile."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.fakes.books import run, until

from asbru.app import check
from asbru.app.check import Check
from asbru.core.errors import Overloaded

COMPILE = [sys.executable, "-m", "asbru.app.compile", "--check"]


def answers(command: list[str], sections: dict[str, list[dict[str, object]]]) -> list[str]:
    """What it finds."""
    found: list[str] = []

    async def body() -> None:
        asked = Check(command)
        try:
            found.extend(await asked(sections))
        finally:
            await asked.close()

    run(body())
    return found


def test_the_file_and_the_stored_objects_are_checked_together(tmp_path: Path) -> None:
    """Nothing wrong, or every problem by its path; nothing is written."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"providers": {"mock": {}}}))
    command = [*COMPILE, "--config", str(config), "--data-dir", str(tmp_path / "data")]
    assert answers(command, {}) == []
    assert answers(command, {"providers": [{"name": "acme", "dialect": "openai"}]}) != []
    (problem,) = answers(command, {"routing_rules": [{"name": "r", "to": [{"provider": "none"}]}]})
    assert problem.startswith("routing_rules.global/r.to.0.provider: there is no provider")
    config.write_text('{\n"providers": {"mock": {}},\n"routing_rules": [],\n"fallbacks": []}')
    rule = {"name": "r", "scope": "team", "owner": "blue", "when": "a ==", "to": [{"provider": "mock"}]}
    (problem,) = answers(command, {"routing_rules": [rule]})
    assert problem.startswith("routing_rules.team/blue/r.when: "), "not a line of the file, where it is not"
    (problem,) = answers(command, {"fallbacks": [{"from": "mock/a", "to": 3}]})
    assert problem.startswith("fallbacks.mock/a.to: ")
    assert not (tmp_path / "data").exists()


def test_a_process_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """503: it crashed, or did not answer within the deadline; it does not live on."""
    with pytest.raises(Overloaded):
        answers([sys.executable, "-c", "raise SystemExit(3)"], {})
    monkeypatch.setattr(check, "CHECK_S_MAX", 0.05)
    with pytest.raises(Overloaded):
        answers([sys.executable, "-c", "import sys; sys.stdin.read(); input()", "x"], {"a": []})


def test_the_next_process_waits_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a question another process starts and answers the next one; it ends when nobody asks, and at the end."""
    told = tmp_path / "told"
    script = (
        "import os, sys\n"
        "def tell(word):\n"
        "    with open(sys.argv[1], 'a') as file: file.write(f'{word} {os.getpid()}\\n')\n"
        "tell('start')\n"
        "if sys.stdin.read(): tell('read')\n"
    )

    def said(word: str) -> list[str]:
        lines = [line.split() for line in told.read_text().splitlines()] if told.exists() else []
        return [pid for first, pid in lines if first == word]

    async def body() -> None:
        asked = Check([sys.executable, "-c", script, str(told)])
        assert await asked({}) == []
        await until(lambda: len(said("start")) == 2, "the next process")
        monkeypatch.setattr(check, "SPARE_S", 0.01)
        assert await asked({}) == []
        assert said("read") == said("start")[:2]
        await until(lambda: asked._waiting is None, "the end of the one after")
        assert await asked({}) == []
        await asked.close()
        assert asked._spare is None and len(said("read")) == 3

    run(body())


def test_a_provider_is_asked(tmp_path: Path) -> None:
    """One that does not answer, and one that is not there, are problems in words."""
    config = tmp_path / "config.json"
    provider = {"dialect": "openai", "base_url": "http://127.0.0.1:9/v1", "allow_loopback": True}
    config.write_text(json.dumps({"providers": {"acme": provider}}))
    command = [*COMPILE, "--config", str(config), "--data-dir", str(tmp_path / "data")]

    async def body() -> None:
        asked = Check(command)
        assert len(await asked.ask_provider({}, "acme")) == 1
        assert await asked.ask_provider({}, "none") == ["there is no provider 'none'"]

    run(body())
