"""The control process: management API, later the UI and the tasks that run once per node. Not on the path of any call.

    python -m asbru.app.control --socket PATH --data-dir DIR

FastAPI on uvicorn, on a Unix socket of its own: the workers forward /api and /ui to it, and answer 503 while it is
away. It alone loads these two, and may be as heavy as they are. SIGTERM: requests under way are finished, exit 0.
Prints `ready` once it listens. Exit 1: it cannot.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from asbru import __version__
from asbru.admin import build_application, status
from asbru.app.arguments import read_arguments
from asbru.app.lifeline import end_with_supervisor
from asbru.telemetry import log

DRAIN_S = 5
"""Less than the supervisor grants."""
KEEP_ALIVE_S = 60
"""Longer than a worker keeps an idle connection, so that it never sends on one that is being closed."""
CONNECTIONS_MAX = 1000


def build() -> FastAPI:
    """The application, of every noun."""
    return build_application((status.build_router(__version__, datetime.now(UTC)),), __version__)


def server_config(application: FastAPI) -> uvicorn.Config:
    """How an application is served."""
    return uvicorn.Config(
        application,
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run until told to end; returns the exit code."""
    given = read_arguments(arguments, required=("socket", "data-dir"))
    end_with_supervisor()
    if not Path(given["data-dir"]).is_dir():
        log("error", "the control process cannot start", why=f"the directory {given['data-dir']} does not exist")
        return 1
    config = server_config(build())
    # uvicorn raises the signal that ended it once more, for whoever listened before: nobody, and the exit is clean.
    signal.signal(signal.SIGTERM, _noted)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        listener = listen(Path(given["socket"]))
    except OSError as error:
        log("error", "the control process cannot listen", why=error)
        return 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with listener:
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _noted(*_: object) -> None:
    """Nothing is left to do."""


def listen(path: Path) -> socket.socket:
    """A socket for its owner alone; one that a killed process left there is replaced. Raises OSError."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.listen(128)
    return listener


if __name__ == "__main__":
    sys.exit(main())
