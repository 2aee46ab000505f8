"""The `asbru` command as people run it: in a process of its own where that is the point, else in that of the test,
which has loaded already what a configuration takes ten times as long to load as to check."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from tests.fakes.upstream import FakeUpstream, Reply

from asbru import __version__
from asbru.app.config import ConfigFile
from asbru.cli import commands

KEYLESS = {"OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": "", "GROQ_API_KEY": ""}


def run(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command's outcome."""
    argv = [sys.executable, "-m", "asbru", *arguments]
    env = {**os.environ, **KEYLESS, **variables}
    return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=120)


def run_here(command: str, *arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Likewise, without a process; an exception that is not a way to end fails the test."""
    with contextlib.chdir(cwd):
        ran = CliRunner().invoke(commands()[command], arguments, env={**KEYLESS, **variables}, catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, ran.exit_code, ran.stdout, ran.stderr)


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
    assert run("--version", cwd=tmp_path).stdout == f"asbru {__version__}\n"


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


def test_config_check_says_when_nobody_can_call(tmp_path: Path) -> None:
    """With every virtual key disabled the summary does not pass over it."""
    (tmp_path / "c.yaml").write_text("{providers: {mock: {}}, virtual_keys: [{name: a, value: env.NOWHERE}]}")
    ran = run_here("config", "check", "--config", "c.yaml", cwd=tmp_path)
    assert "every virtual key is disabled, so every call will be refused" in ran.stderr
    assert "no usable virtual key: every call will be refused" in ran.stdout


def test_config_check_prints_all_errors(tmp_path: Path) -> None:
    """A bad file: exit 1, every error on stderr."""
    (tmp_path / "c.json").write_text('{"provider": {},\n "listen": {"port": -1}}')
    ran = run_here("config", "check", "--config", "c.json", cwd=tmp_path)
    assert ran.returncode == 1
    assert "did you mean 'providers'?" in ran.stderr
    assert "line 2: listen.port" in ran.stderr
    assert ran.stderr.endswith("\n2 errors\n")
    assert ran.stdout == ""


def test_config_check_live_asks_the_providers(tmp_path: Path) -> None:
    """A base URL without its version is a warning, and with `--live` an error that names the one that answers."""
    with FakeUpstream() as upstream:
        upstream.on("/v1/models", Reply.json({"object": "list", "data": []}))
        text = f"providers: {{local: {{dialect: openai, allow_loopback: true, base_url: '{upstream.url}'}}}}"
        (tmp_path / "c.yaml").write_text(text)
        ran = run_here("config", "check", "--config", "c.yaml", cwd=tmp_path)
        assert (ran.returncode, len(upstream.requests)) == (0, 0)
        assert "warning: line 1: providers.local.base_url: the URL has no version segment" in ran.stderr
        ran = run_here("config", "check", "--live", "--config", "c.yaml", cwd=tmp_path)
        assert ran.returncode == 1
        assert f"set `base_url: {upstream.url}/v1`\n1 error\n" in ran.stderr
        (tmp_path / "c.yaml").write_text(text.replace(upstream.url, f"{upstream.url}/v1"))
        assert run_here("config", "check", "--live", "--config", "c.yaml", cwd=tmp_path).returncode == 0


def test_config_init_writes_an_example_that_is_accepted(tmp_path: Path) -> None:
    """It is written where `serve` finds it, for the owner alone, accepted without a warning, and never overwritten; all
    that is commented out is accepted too."""
    ran = run("config", "init", cwd=tmp_path)
    assert ran.returncode == 0
    assert "asbru-data/config.yaml" in ran.stdout
    path = tmp_path / "asbru-data" / "config.yaml"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    checked = run_here("config", "check", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    text = re.sub(r"^#(?=\S|  )", "", path.read_text(), flags=re.MULTILINE)
    path.write_text(text)
    keys = {name: f"value-{name}-0123456789" for name in re.findall(r"env\.(\w+)", text)}
    checked = run_here("config", "check", cwd=tmp_path, **keys)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "2 virtual keys, 1 fallback" in checked.stdout
    again = run_here("config", "init", cwd=tmp_path)
    assert again.returncode == 1
    assert "already exists" in again.stderr
    assert path.read_text() == text
    assert run_here("config", "init", "--config", "mine.yaml", cwd=tmp_path).returncode == 0
    assert run_here("config", "check", "--config", "mine.yaml", cwd=tmp_path).returncode == 0


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
