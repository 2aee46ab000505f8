"""One line per event on stderr: time (UTC), level, process, message. Never a secret, never a second line."""

from __future__ import annotations

import sys
import time
from typing import Literal

Level = Literal["info", "warning", "error"]


def log(level: Level, message: str, process: str = "supervisor") -> None:
    """Write the line at once; a closed stderr is no reason to stop."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    text = " ".join(message.splitlines())
    try:
        sys.stderr.write(f"{stamp}.{int(now * 1000) % 1000:03d}Z {level:<7} {process:<10} {text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return
