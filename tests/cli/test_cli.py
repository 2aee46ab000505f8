"""The `asbru` command as people run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from asbru import __version__
from asbru.app.config import ConfigFile


def run(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command's outcome."""
    argv = [sys.executable, "-m", "asbru", *arguments]
    env = {**os.environ, "OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": "", "GROQ_API_KEY": "", **variables}
    return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=30)


def test_help_lists_commands_and_loads_none(tmp_path: Path) -> None:
    """`asbru --help` is light: no pydantic, no YAML, no price data."""
    ran = run("--help", cwd=tmp_path)
    assert ran.returncode == 0
    assert all(word in ran.stdout for word in ("serve", "demo", "config", "version"))
    code = "import sys, asbru.cli; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "yaml", "genai_prices", "rich", "msgspec", "asyncio"} & set(loaded)


def test_version(tmp_path: Path) -> None:
    """The version of the package is printed."""
    assert __version__ in run("version", cwd=tmp_path).stdout


def test_wrong_options_are_told_without_traceback(tmp_path: Path) -> None:
    """An unknown option or command: stderr, exit 2, no traceback."""
    for arguments in (("serve", "--prot", "1"), ("sevre",)):
        ran = run(*arguments, cwd=tmp_path)
        assert ran.returncode == 2
        assert "No such" in ran.stderr
        assert "Traceback" not in ran.stderr


def test_config_check_prints_a_summary(tmp_path: Path) -> None:
    """A good file: exit 0, its providers in a table, warnings on stderr, no secret, nothing written."""
    (tmp_path / "c.yaml").write_text(
        "providers: {groq: {keys: [{name: a, value: sk-secret}]}, openai: {keys: [{name: b, value: env.NOWHERE}]}}"
    )
    ran = run("config", "check", "--config", "c.yaml", cwd=tmp_path)
    assert ran.returncode == 0
    assert "OK" in ran.stdout
    assert "groq" in ran.stdout
    assert "NOWHERE is not set" in ran.stderr
    assert "sk-secret" not in ran.stdout + ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]


def test_config_check_prints_all_errors(tmp_path: Path) -> None:
    """A bad file: exit 1, every error on stderr."""
    (tmp_path / "c.json").write_text('{"provider": {},\n "listen": {"port": -1}}')
    ran = run("config", "check", "--config", "c.json", cwd=tmp_path)
    assert ran.returncode == 1
    assert "did you mean 'providers'?" in ran.stderr
    assert "line 2: listen.port" in ran.stderr
    assert "2 errors" in ran.stderr
    assert ran.stdout == ""


def test_config_schema_is_the_models(tmp_path: Path) -> None:
    """The printed schema is JSON and that of the models."""
    schema = json.loads(run("config", "schema", cwd=tmp_path).stdout)
    assert schema["properties"].keys() == {"$schema", *ConfigFile.model_json_schema()["properties"]}


def test_serve_refuses_a_bad_file(tmp_path: Path) -> None:
    """`serve` with a file that is not there: one line, exit 1."""
    ran = run("serve", "--config", "none.yaml", cwd=tmp_path)
    assert ran.returncode == 1
    assert "cannot read none.yaml" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert signal.SIGTERM.name not in ran.stderr
