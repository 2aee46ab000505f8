"""The guide "Getting started": the block for one's own providers, pasted into one shell."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.commands import stand_ins

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "guides" / "getting-started.md"
PASTE_S = 60.0


@pytest.mark.parametrize("real", [True, False], ids=["real commands", "stand-ins"])
def test_the_block_works_as_pasted(tmp_path: Path, real: bool) -> None:
    """It writes a configuration, serves in the background, and its chat is answered; `kill $!` stops what it began."""
    [block] = [one for one in re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.M | re.S) if "serve &" in one]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    block = block.replace("asbru serve", f"asbru serve --port {port}").replace(":8080", f":{port}")
    programs = stand_ins(tmp_path, real=real)
    asbru = programs / "asbru"
    asbru.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m asbru "$@"\n')
    asbru.chmod(0o755)
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "OPENAI_API_KEY": ""}
    argv = ["sh", "-c", f"{block}\nkill $!\nwait $!"]
    with subprocess.Popen(
        argv, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as shell:
        try:
            said, log = shell.communicate(timeout=PASTE_S)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            raise
    assert "environment variable OPENAI_API_KEY is not set: key 'main' is disabled" in log
    assert '"content":"Hello"' in said.replace(": ", ":"), said + log
    assert shell.returncode == 0, log
