"""Asking another process whether a configuration would compile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fakes.books import run

from asbru.app import check
from asbru.app.check import Check
from asbru.app.checks import Checks
from asbru.core.errors import Overloaded

COMPILE = [sys.executable, "-m", "asbru.app.compile_process", "--check"]


@contextlib.asynccontextmanager
async def checked_by(command: list[str], folder: Path) -> AsyncIterator[Check]:
    """A check, with the supervisor's side of it in this loop."""
    checks = Checks(folder / "check.sock", lambda: command)
    loop = asyncio.get_running_loop()
    loop.add_reader(listener := checks.open(), checks.accept)
    try:
        yield Check(folder / "check.sock")
    finally:
        loop.remove_reader(listener)
        checks.close()


def answers(command: list[str], sections: dict[str, list[dict[str, object]]], folder: Path) -> list[str]:
    """What it finds."""
    found: list[str] = []

    async def body() -> None:
        async with checked_by(command, folder) as check:
            found.extend(await check(sections))

    run(body())
    return found


def test_the_file_and_the_stored_objects_are_checked_together(tmp_path: Path) -> None:
    """Nothing wrong, or every problem by its path; nothing is written."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"providers": {"mock": {}}}))
    command = [*COMPILE, "--config", str(config), "--data-dir", str(tmp_path / "data")]
    assert answers(command, {}, tmp_path) == []
    assert answers(command, {"providers": [{"name": "acme", "dialect": "openai"}]}, tmp_path) != []
    (problem,) = answers(command, {"routing_rules": [{"name": "r", "to": [{"provider": "none"}]}]}, tmp_path)
    assert problem.startswith("routing_rules.global/r.to.0.provider: there is no provider")
    config.write_text('{\n"providers": {"mock": {}},\n"routing_rules": [],\n"fallbacks": []}')
    rule = {"name": "r", "scope": "team", "owner": "blue", "when": "a ==", "to": [{"provider": "mock"}]}
    (problem,) = answers(command, {"routing_rules": [rule]}, tmp_path)
    assert problem.startswith("routing_rules.team/blue/r.when: "), "not a line of the file, where it is not"
    (problem,) = answers(command, {"fallbacks": [{"from": "mock/a", "to": 3}]}, tmp_path)
    assert problem.startswith("fallbacks.mock/a.to: ")
    assert not (tmp_path / "data").exists()


def test_a_process_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """503: it crashed, said nothing that can be read, did not answer within the deadline, or nobody starts one."""
    for code in ("raise SystemExit(3)", "print('[')", "import sys; sys.stdin.read()"):
        with pytest.raises(Overloaded):
            answers([sys.executable, "-c", code], {}, tmp_path)
    with pytest.raises(Overloaded):
        answers(["/no/such/program"], {}, tmp_path)
    with pytest.raises(Overloaded):
        run(Check(tmp_path / "none.sock")({}))
    monkeypatch.setattr(check, "CHECK_S_MAX", 0.05)
    with pytest.raises(Overloaded):
        answers([sys.executable, "-c", "import time; time.sleep(60)"], {"a": []}, tmp_path)


def test_a_provider_is_asked(tmp_path: Path) -> None:
    """One that does not answer, and one that is not there, are problems in words."""
    config = tmp_path / "config.json"
    provider = {"dialect": "openai", "base_url": "http://127.0.0.1:9/v1", "allow_loopback": True}
    config.write_text(json.dumps({"providers": {"acme": provider}}))
    command = [*COMPILE, "--config", str(config), "--data-dir", str(tmp_path / "data")]

    async def body() -> None:
        async with checked_by(command, tmp_path) as asked:
            assert len(await asked.ask_provider({}, "acme")) == 1
            assert await asked.ask_provider({}, "none") == ["there is no provider 'none'"]

    run(body())
