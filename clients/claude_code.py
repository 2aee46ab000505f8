"""Claude Code as published on npm: brought into `.tools/claude` once, and run headless in an empty home.

It is proprietary: run, never vendored. The package's install script and launcher are not needed: the platform's
program lies beside them.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.npm import Package

PACKAGE = Package(
    name="@anthropic-ai/claude-code",
    version="2.1.330",
    folder="claude",
    program="@anthropic-ai/claude-code-*/claude*",
)
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
    argv = [str(PACKAGE.bring()), "-p", prompt, *arguments, "--dangerously-skip-permissions"]
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
