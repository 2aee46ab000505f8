"""Python packages that need other versions than the rest, in an environment of their own, `.tools/frameworks`."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tools import bootstrap

HOME = bootstrap.TOOLS / "frameworks"
LOCK = bootstrap.LOCKS / "frameworks.txt"
SCRIPTS = Path(__file__).with_name("python")
RUN_S = 120


def run(script: str, *arguments: str) -> Any:
    """What a script in `clients/python` prints as JSON in its last line."""
    python = _bring()
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "*"}
    done = subprocess.run(  # noqa: S603  # our own command
        [str(python), str(SCRIPTS / script), *arguments],
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _bring() -> Path:
    """Its interpreter, after installing the lock where it is not there yet."""
    python, stamp = HOME / "bin" / "python", HOME / "stamp"
    mark = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    with (bootstrap.TOOLS / "frameworks.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != mark:
            uv = bootstrap.find_uv() or bootstrap.bring_uv()
            bootstrap.run(uv, "venv", "--quiet", "--clear", "--python", bootstrap.find_python(), HOME)
            into = ("--quiet", "--python", python)
            bootstrap.run(uv, "pip", "sync", *into, *bootstrap.no_index(), "--require-hashes", LOCK)
            stamp.write_text(mark)
    return python
