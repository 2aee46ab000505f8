"""tools/bootstrap.py: what it decides, without installing anything."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from tools import bootstrap


@pytest.fixture(autouse=True)
def quiet_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without pip's configuration and an environment that says nothing about packages."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [*os.environ]:
        if name.startswith(("PIP_", "UV_", "XDG_")) or name == "SSL_CERT_FILE":
            monkeypatch.delenv(name)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout with locks and an interpreter in `.venv`."""
    (tmp_path / "locks").mkdir()
    for stage in bootstrap.STAGES:
        (tmp_path / "locks" / f"{stage}.txt").write_text(stage)
    (tmp_path / "pyproject.toml").write_text("")
    program(tmp_path / ".venv" / "bin" / "python", "exit 0")
    for name, path in {
        "ROOT": tmp_path,
        "TOOLS": tmp_path / ".tools",
        "LOCKS": tmp_path / "locks",
        "VENV_PYTHON": tmp_path / ".venv" / "bin" / "python",
        "STAMP": tmp_path / ".venv" / "asbru-stamp",
    }.items():
        monkeypatch.setattr(bootstrap, name, path)
    return tmp_path


def program(path: Path, script: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_stamp_serves_its_stage_and_smaller_ones(checkout: Path) -> None:
    """An environment with clients is ready for dev; one for dev is not ready for clients."""
    assert not bootstrap.is_ready("dev")
    bootstrap.STAMP.write_text(f"clients {bootstrap.fingerprint('clients')}\n")
    assert bootstrap.is_ready("dev")
    assert bootstrap.is_ready("clients")
    bootstrap.STAMP.write_text(f"dev {bootstrap.fingerprint('dev')}\n")
    assert bootstrap.is_ready("dev")
    assert bootstrap.is_ready("run")
    assert not bootstrap.is_ready("clients")
    bootstrap.STAMP.write_text(f"run {bootstrap.fingerprint('run')}\n")
    assert bootstrap.is_ready("run")
    assert not bootstrap.is_ready("dev")


@pytest.mark.parametrize("changed", ["locks/dev.txt", "pyproject.toml"])
def test_a_change_makes_the_stamp_stale(checkout: Path, changed: str) -> None:
    """A new lock or a new pyproject.toml means installing again; so does a vanished interpreter."""
    bootstrap.STAMP.write_text(f"dev {bootstrap.fingerprint('dev')}\n")
    assert bootstrap.is_ready("dev")
    (checkout / changed).write_text("changed")
    assert not bootstrap.is_ready("dev")


def test_a_vanished_interpreter_makes_the_stamp_stale(checkout: Path) -> None:
    """After an upgrade of the system's Python the link in .venv dangles, and the stamp does not count."""
    bootstrap.STAMP.write_text(f"dev {bootstrap.fingerprint('dev')}\n")
    bootstrap.VENV_PYTHON.unlink()
    assert not bootstrap.is_ready("dev")


def test_a_ready_environment_costs_no_time(checkout: Path) -> None:
    """The second `make` returns well within a second and starts no program."""
    bootstrap.STAMP.write_text(f"dev {bootstrap.fingerprint('dev')}\n")
    started = time.monotonic()
    bootstrap.prepare("dev")
    assert time.monotonic() - started < 0.5
    assert not (checkout / ".tools").exists()


def test_pips_settings_reach_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror, a wheel directory and a CA told to pip are told to uv; PIP_* wins over pip.conf."""
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text(
        "[global]\nindex-url = https://mirror.test/simple\ncert = /ca.pem\n[install]\nfind-links = /a\n  /b\n"
    )
    environment = bootstrap.environment_for_uv()
    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.test/simple"
    assert environment["UV_FIND_LINKS"] == "/a,/b"
    assert environment["SSL_CERT_FILE"] == "/ca.pem"
    assert bootstrap.no_index() == []

    monkeypatch.setenv("PIP_INDEX_URL", "https://other.test/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert bootstrap.environment_for_uv()["UV_DEFAULT_INDEX"] == "https://other.test/simple"
    assert bootstrap.no_index() == ["--no-index"]


def test_uvs_own_settings_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user told uv is not overwritten by what they told pip, and a foreign venv is not passed on."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.test/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.test/simple")
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere")
    environment = bootstrap.environment_for_uv()
    assert environment["UV_DEFAULT_INDEX"] == "https://mine.test/simple"
    assert "VIRTUAL_ENV" not in environment


def test_an_old_or_broken_uv_is_passed_over(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a uv that runs and is new enough counts; a shim without a version behind it does not."""
    monkeypatch.setenv("PATH", str(checkout / "bin"))
    assert bootstrap.find_uv() is None
    for script, suits in (("echo uv 0.6.9", False), ("exit 127", False), ("echo uv 0.7.0", True)):
        uv = program(checkout / "bin" / "uv", script)
        assert (bootstrap.find_uv() == uv) is suits


def test_the_systems_python_is_built_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's python3 is preferred where it is new enough; else the one that runs bootstrap is taken."""
    monkeypatch.delenv(bootstrap.PYTHON_CHOSEN, raising=False)
    system = program(tmp_path / "python3", "exit 0")
    monkeypatch.setattr(bootstrap, "PYTHON_SYSTEM", system)
    assert bootstrap.find_python() == str(system)
    program(system, "exit 1")  # what the probe of an old one ends with
    assert bootstrap.find_python() == bootstrap.running_python()
    monkeypatch.setattr(bootstrap, "PYTHON_SYSTEM", tmp_path / "none")
    assert bootstrap.find_python() == bootstrap.running_python()


def test_another_python_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`PYTHON3=` wins over the system's, by path or by name; one that is too old or missing is refused by name."""
    chosen = program(tmp_path / "bin" / "python3.99", "exit 0")
    monkeypatch.setenv("PATH", str(chosen.parent))
    for spelled in (str(chosen), chosen.name):
        monkeypatch.setenv(bootstrap.PYTHON_CHOSEN, spelled)
        assert bootstrap.find_python() == str(chosen)
    program(chosen, "exit 1")
    for spelled in (str(chosen), "python3.98"):
        monkeypatch.setenv(bootstrap.PYTHON_CHOSEN, spelled)
        with pytest.raises(bootstrap.CannotGoOn, match=spelled):
            bootstrap.find_python()


def test_without_venv_a_user_is_told_what_to_install(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither uv nor venv, and no rights: exit status 2 and the name of the package, no traceback."""
    monkeypatch.setenv("PATH", str(checkout / "bin"))
    python = str(program(checkout / "bin" / "python", "exit 1"))
    monkeypatch.setattr(bootstrap, "find_python", lambda: python)
    monkeypatch.setattr(bootstrap, "running_python", lambda: python)
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000)
    assert bootstrap.main(["dev"]) == 2
    assert "python3-venv" in capsys.readouterr().err


def test_without_venv_root_installs_it(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root on a Debian the package is installed, and making the venv tried again."""
    log = checkout / "log"
    working = checkout / "works"
    python = program(checkout / "bin" / "python", f'test -e {working} && echo "$@" >> {log}')
    apt = f'echo "apt $@" >> {log}; case "$*" in *python3-venv*) : > {working};; esac'
    program(checkout / "bin" / "apt-get", apt)
    monkeypatch.setenv("PATH", str(checkout / "bin"))
    monkeypatch.setattr(bootstrap, "find_python", lambda: str(python))
    monkeypatch.setattr(bootstrap, "running_python", lambda: str(python))
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0)
    monkeypatch.setattr(bootstrap, "run", lambda *arguments: None)
    assert bootstrap.bring_uv() == checkout / ".tools" / "uv" / "bin" / "uv"
    lines = log.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["apt", "apt", "-m"]
    assert lines[1].endswith("install -y --no-install-recommends python3-venv")
