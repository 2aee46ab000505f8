"""Prepares the working environment: `.venv` holds exactly what the lock says, plus this project, editable.

Runs on a bare python3, even one too old for Asbru (it then says so): standard library only, and nothing of
the project is imported. Not a package manager: it finds or brings `uv` and lets it do the work. It names no
package index; pip's and uv's own settings decide where packages come from, so a mirror or a wheel directory
works without a change here.

    python3 tools/bootstrap.py run        what `make run` needs: Asbru itself, none of the tools
    python3 tools/bootstrap.py dev        what `make test` and `make check` need
    python3 tools/bootstrap.py clients    the same, and the SDKs and Node for `make clients`
    python3 tools/bootstrap.py lock       write locks/*.txt anew from pyproject.toml (`--upgrade`: newest versions)

`.venv` is built on the system's python3 where that is new enough, because distributions build theirs optimised, and
else on the one that runs this. `PYTHON3=` names another, for make and for this. A `.venv` that works is kept.
"""

from __future__ import annotations

import configparser
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "asbru-stamp"
LOCKS = ROOT / "locks"

PYTHON_MIN = (3, 11)
PYTHON_SYSTEM = Path("/usr/bin/python3")
PYTHON_CHOSEN = "PYTHON3"
"""The variable that names an interpreter; the Makefile's of the same name."""

UV_MIN = (0, 7)
STAGES = ("run", "dev", "clients")
"""From smaller to larger: an environment of a later stage serves an earlier one."""

LOCK_GROUPS = {"clients": ("dev", "build", "clients"), "dev": ("dev", "build"), "run": ("build",), "runtime": ()}
"""The largest first: the smaller ones are resolved within its choices, so that all agree."""


class CannotGoOn(Exception):
    """The machine lacks something that only its owner can add; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Does what the first argument asks. Returns 0, 1 when a command failed, 2 when the machine lacks something."""
    try:
        if len(arguments) == 1 and arguments[0] in STAGES:
            prepare(arguments[0])
        elif arguments in (["lock"], ["lock", "--upgrade"]):
            lock(upgrade="--upgrade" in arguments)
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except CannotGoOn as lack:
        print(f"bootstrap: {lack}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as failure:
        print(f"bootstrap: failed ({failure.returncode}): {' '.join(map(str, failure.cmd))}", file=sys.stderr)
        return 1
    return 0


def prepare(stage: str) -> None:
    """Brings `.venv` to `stage`; returns at once when it is there already."""
    if is_ready(stage):
        return
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "bootstrap.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two makes in one checkout: the second finds the work done
        if is_ready(stage):
            return
        started = time.monotonic()
        install(stage)
        say(f"ready in {time.monotonic() - started:.0f} s")


def install(stage: str) -> None:
    """Installs the lock of `stage` and the project into `.venv`, then stamps it."""
    uv = find_uv() or bring_uv()
    if not runs(VENV_PYTHON):
        shutil.rmtree(VENV, ignore_errors=True)
        say("creating .venv")
        run(uv, "venv", "--quiet", "--python", find_python(), VENV)
    STAMP.unlink(missing_ok=True)
    say(f"installing locks/{stage}.txt")
    into = ("--quiet", "--python", VENV_PYTHON)
    # Compiled once here: where Python may not write bytecode, each process compiles all it imports, at every start, and
    # never gives back the memory that this took.
    compiled = "--compile-bytecode"
    run(uv, "pip", "sync", *into, *no_index(), "--require-hashes", compiled, LOCKS / f"{stage}.txt")
    # The build back end came with the lock: no isolation, so nothing unpinned is fetched to build the project.
    run(uv, "pip", "install", *into, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    STAMP.write_text(f"{stage} {fingerprint(stage)}\n")


def is_ready(stage: str) -> bool:
    """Whether the stamp says that `.venv` holds `stage`, or a larger one, as locked now."""
    try:
        stamped, mark = STAMP.read_text().split()
    except (OSError, ValueError):
        return False
    return stamped in STAGES[STAGES.index(stage) :] and mark == fingerprint(stamped) and runs_at_all(VENV_PYTHON)


def fingerprint(stage: str) -> str:
    """What decides the content of `.venv`: this file, the lock, pyproject.toml and where the checkout lies."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in (Path(__file__), LOCKS / f"{stage}.txt", ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def lock(*, upgrade: bool) -> None:
    """Resolves pyproject.toml for every platform and writes locks/*.txt: names, versions, hashes, no hosts."""
    uv = find_uv() or bring_uv()
    flags = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
    flags += ["--quiet", "--upgrade"] if upgrade else ["--quiet"]
    LOCKS.mkdir(exist_ok=True)
    whole = LOCKS / "clients.txt"
    for name, groups in LOCK_GROUPS.items():
        target = LOCKS / f"{name}.txt"
        within = [] if target == whole else ["--constraints", str(whole)]
        chosen = [word for group in groups for word in ("--group", group)]
        run(uv, "pip", "compile", *flags, *within, *chosen, "--output-file", target, "pyproject.toml")
        say(f"wrote {target.relative_to(ROOT)}")
    for alone in ("uv", "node", "frameworks"):
        run(uv, "pip", "compile", *flags, "--group", alone, "--output-file", LOCKS / f"{alone}.txt")
        say(f"wrote locks/{alone}.txt")


# --- uv and python --------------------------------------------------------------------------------------


def find_uv() -> Path | None:
    """The `uv` brought before, or one on PATH that is new enough and really runs."""
    for candidate in (TOOLS / "uv" / "bin" / "uv", shutil.which("uv")):
        if candidate and (version := uv_version(candidate)) and version >= UV_MIN:
            return Path(candidate)
    return None


def uv_version(path: str | Path) -> tuple[int, ...] | None:
    """(major, minor) of the `uv` at `path`; None when it is not there or does not run."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"uv (\d+)\.(\d+)", done.stdout)
    return tuple(map(int, found.groups())) if found else None


def bring_uv() -> Path:
    """Installs the locked `uv` into a venv of its own, `.tools/uv`."""
    home = TOOLS / "uv"
    say("bringing uv into .tools")
    shutil.rmtree(home, ignore_errors=True)
    python = find_python()
    # Debian's python3 may lack venv where another one, perhaps the one running this, has it; pip does not mind which.
    if not make_venv(python, home) and not make_venv(running_python(), home):
        install_venv_package()
        if not make_venv(python, home):
            raise CannotGoOn(f"`{python} -m venv` does not work even with python3-venv installed")
    run(home / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", LOCKS / "uv.txt")
    return home / "bin" / "uv"


def make_venv(python: str, home: Path) -> bool:
    """Whether `python` could make a venv with pip in it; leaves nothing half-made behind."""
    done = subprocess.run([python, "-m", "venv", home], capture_output=True, check=False)
    if done.returncode == 0:
        return True
    shutil.rmtree(home, ignore_errors=True)
    return False


def install_venv_package() -> None:
    """Debian keeps venv in a package of its own."""
    advice = "python3 lacks venv: install it (Debian, Ubuntu: `apt-get install python3-venv`) and run make again"
    install_debian_packages("python3-venv", advice=advice)


def install_debian_packages(*packages: str, advice: str) -> None:
    """Installs them as root; elsewhere raises CannotGoOn with the advice."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise CannotGoOn(advice)
    say(f"installing {' and '.join(packages)} with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    try:
        subprocess.run([*quiet, "update"], env=environment, check=True)
        command = [*quiet, "install", "-y", "--no-install-recommends", *packages]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError as failure:
        raise CannotGoOn(f"apt-get could not install {packages[0]} ({failure.returncode}). {advice}") from None


def find_python() -> str:
    """The interpreter to build on: the chosen one, else the system's, the one running this, the newest on PATH."""
    if chosen := os.environ.get(PYTHON_CHOSEN):
        found = shutil.which(chosen)
        if not found or not runs(Path(found)):
            raise CannotGoOn(f"{PYTHON_CHOSEN}={chosen} is not a Python 3.11 or newer that runs")
        return found
    if runs(PYTHON_SYSTEM):
        return str(PYTHON_SYSTEM)
    if sys.version_info >= PYTHON_MIN:
        return running_python()
    for minor in range(14, PYTHON_MIN[1] - 1, -1):
        if found := shutil.which(f"python3.{minor}"):
            return found
    have = ".".join(map(str, sys.version_info[:2]))
    raise CannotGoOn(f"Python 3.11 or newer is needed, python3 is {have}: install one (e.g. `python3.11`)")


def running_python() -> str:
    """The interpreter that runs this; the one beneath, when it is a venv's."""
    return getattr(sys, "_base_executable", sys.executable)


# --- running things -------------------------------------------------------------------------------------


def run(command: str | Path, *arguments: str | Path) -> None:
    """Runs a command from the root of the checkout; raises CalledProcessError when it fails."""
    subprocess.run([command, *arguments], cwd=ROOT, env=environment_for_uv(), check=True)


def runs(python: Path) -> bool:
    """Whether the interpreter exists, starts, and is new enough."""
    probe = f"import sys; sys.exit(sys.version_info < {PYTHON_MIN})"
    return (
        runs_at_all(python)
        and subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode == 0
    )


def runs_at_all(python: Path) -> bool:
    """Whether the interpreter behind `.venv` is still there (a Python upgrade leaves a dangling link)."""
    return os.access(python, os.X_OK)


def environment_for_uv() -> dict[str, str]:
    """The environment, with pip's settings said in uv's words where uv has none of its own.

    Somebody who pointed pip at a mirror, a wheel directory or a company CA has said it all already.
    """
    environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    environment.setdefault("UV_PYTHON_DOWNLOADS", "never")
    said = pip_settings()
    translated = {
        "UV_DEFAULT_INDEX": said.get("index-url"),
        "UV_INDEX": said.get("extra-index-url"),
        "UV_FIND_LINKS": ",".join(said.get("find-links", "").split()),
        "SSL_CERT_FILE": said.get("cert"),
    }
    for name, value in translated.items():
        if value and not environment.get(name):
            environment[name] = value
    return environment


def no_index() -> list[str]:
    """The flag for uv when pip is told to use wheel directories only."""
    return ["--no-index"] if pip_settings().get("no-index", "").lower() in {"1", "true", "yes", "on"} else []


def pip_settings() -> dict[str, str]:
    """pip's own settings, weakest first: the machine's file, the user's, PIP_CONFIG_FILE, PIP_* variables."""
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", config / "pip" / "pip.conf"]
    files += [Path(named)] if (named := os.environ.get("PIP_CONFIG_FILE")) else []
    said: dict[str, str] = {}
    for path in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue  # pip itself will complain about its own file
        for section in ("global", "install"):
            if parser.has_section(section):
                said.update({key: " ".join(value.split()) for key, value in parser.items(section)})
    for name in ("index-url", "extra-index-url", "find-links", "no-index", "cert"):
        if value := os.environ.get("PIP_" + name.upper().replace("-", "_")):
            said[name] = value
    return said


def say(message: str) -> None:
    """One line of progress, on stderr: stdout belongs to the command that make runs next."""
    print(f"bootstrap: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
