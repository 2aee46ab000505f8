"""Without a network: once installed, the gateway starts and serves the mock though nothing outside can be reached."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

WAIT_S = 150.0
NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: whoever asks it for the world fails at once."""


def offline() -> list[str]:
    """What to put before a command: a network of its own with loopback only, where the machine permits one."""
    enter = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if not shutil.which("unshare") or not shutil.which("ip"):
        return []
    permitted = subprocess.run([*enter, "true"], capture_output=True, timeout=WAIT_S, check=False).returncode == 0
    return enter if permitted else []


def test_the_demo_needs_no_network(tmp_path: Path) -> None:
    """The demo's streamed answer comes with egress blocked: no name resolved, no package, price or vocabulary fetched.
    Where the machine permits no network of its own, every proxy variable points at a dead port instead."""
    env = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        env[name] = env[name.upper()] = NOWHERE
    env["HOME"] = str(tmp_path)
    argv = [*offline(), sys.executable, "-m", "asbru", "demo", "--port", "0", "--data-dir", str(tmp_path / "data")]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True, env=env, cwd=tmp_path) as demo,
    ):
        try:
            assert demo.stdout is not None
            lines: list[str] = []
            while not lines or not lines[-1].startswith("Stop with"):
                line = demo.stdout.readline()
                assert line, (tmp_path / "log").read_text()
                lines.append(line)
            assert len("".join(lines).partition("Serving on")[0]) > 200
            demo.send_signal(signal.SIGINT)
            assert demo.wait(WAIT_S) == 0
        finally:
            demo.kill()
