"""The control process: management API, web UI and the tasks that run once per node. Not on the path of any call.

    python -m asbru.app.control --socket PATH --data-dir DIR [--bookkeeper PATH] [--shown PATH] [--catalogue PATH]
                                [--processes PATH] [--tls True] [--check PATH]

FastAPI on uvicorn, on a Unix socket of its own: the workers forward /api and /ui to it, and answer 503 while it is
away. It alone loads these two, and may be as heavy as they are. SIGTERM: requests under way are finished, exit 0.
Prints `ready` once it listens, and `changed` when the snapshot has to be compiled anew. Exit 1: it cannot serve; 2: the
database is newer than this Asbru.

While nobody can log in, each start prints a random set-up token on stderr, unless ASBRU_SETUP_TOKEN sets the token.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import asbru.app.lean_web  # noqa: F401 -- before all that needs FastAPI  # pyright: ignore[reportUnusedImport] -- see there
from asbru import __version__
from asbru.admin import Act, DeclaredFile, Management, api_preview, tool_servers
from asbru.app.announce import Announcer
from asbru.app.api_documents import preview
from asbru.app.api_kinds import COMPILED_KINDS
from asbru.app.arguments import read_arguments
from asbru.app.check import Check
from asbru.app.clearing import CacheClearing
from asbru.app.data_dir import had_stored_keys, load_pepper
from asbru.app.lean_web import Config, FastAPI, Server
from asbru.app.lifeline import end_with_supervisor
from asbru.app.mcp_trial import try_server
from asbru.app.observed import ObservedProcesses
from asbru.app.tools.asked import AskedTools
from asbru.app.unix_socket import listen
from asbru.core.errors import AsbruError
from asbru.core.secret_text import SecretText
from asbru.link.link import Link
from asbru.records.tail import live
from asbru.secrets import load_keyring
from asbru.storage import DATABASE_NAME, NewerSchema, StorageError, open_database, sqlite_url
from asbru.telemetry import log

DRAIN_S = 5
"""Less than the supervisor grants."""
KEEP_ALIVE_S = 60
"""Longer than a worker keeps an idle connection, so that it never sends on one that is being closed."""
CONNECTIONS_MAX = 1000
SWEEP_S = 60.0
ALIVE_S = 1.0
"""How often the supervisor is told that this process still serves."""
EXIT_NEWER_SCHEMA = 2
_OPTIONAL = ("bookkeeper", "shown", "catalogue", "processes", "tls", "check")
SETUP_VARIABLE = "ASBRU_SETUP_TOKEN"


class Control:
    """The process's objects. Raises `NewerSchema`, `StorageError`, and `ValueError` for a damaged data directory."""

    def __init__(self, given: Mapping[str, str], loop: asyncio.AbstractEventLoop, env: Mapping[str, str]) -> None:
        data_dir = Path(given["data-dir"])
        url = sqlite_url(data_dir / DATABASE_NAME)
        self._database = open_database(url)
        chosen = env.get(SETUP_VARIABLE, "")
        self._setup_token = SecretText(chosen or secrets.token_urlsafe(24))
        self._setup_token_printed = not chosen
        self._link = Link(loop, given.get("bookkeeper", ""))
        self._announcer = Announcer(
            self._link, lambda: _say("changed"), compiles_feed=lambda: not had_stored_keys(data_dir)
        )
        self._linked = "bookkeeper" in given
        self._act = act = Act(
            self._database,
            keyring=lambda: load_keyring(data_dir, env),
            pepper=load_pepper(data_dir),
            declared=DeclaredFile(Path(given["shown"]) if "shown" in given else None),
            announce=self._announcer if self._linked else _tell_nobody,
            check=Check(Path(given["check"]) if "check" in given else None),
        )
        secure = given.get("tls") == "True"
        self._tail = live.LiveTail(self._link)
        self._management = Management(
            act,
            self._setup_token,
            database_url=url,
            compiled=COMPILED_KINDS,
            secure=secure,
            observed=ObservedProcesses(self._link, given),
            tail=self._tail if self._linked else None,
            **({"clear_cache": CacheClearing(self._link)} if self._linked else {}),
        )

    def application(self) -> FastAPI:
        """The application, of every noun."""
        tools = tool_servers.build_router(self._act, AskedTools(self._link))
        before = api_preview.build_router(preview, try_server)
        return self._management.application((tools, before), __version__)

    async def serve(self, listener: socket.socket) -> None:
        """Serve until told to end."""
        if self._linked:
            self._link.open()
            await self._announcer.tell_feed()
        server = Server(server_config(self.application()))

        # uvicorn listens to signals only while it serves, and raises the one that ended it once more afterwards.
        def end(*_: object) -> None:
            server.should_exit = True
            self._tail.close()

        signal.signal(signal.SIGTERM, end)
        sweeping = asyncio.create_task(self._sweep())
        if self._setup_token_printed and self._management.needs_setup():
            self._tell_setup_token()
        _say("ready")
        beating = asyncio.create_task(_tell_that_it_lives()) if self._linked else None
        await server.serve([listener])
        sweeping.cancel()
        if beating is not None:
            beating.cancel()
        await self._management.sample.close()
        await self._announcer.close()
        await self._link.close()
        self._database.close()

    async def _sweep(self) -> None:
        while True:
            try:
                await self._management.keys.sweep()
            except (AsbruError, StorageError) as error:
                log("warning", "expired key values cannot be deleted yet", why=error)
            await asyncio.sleep(SWEEP_S)

    def _tell_setup_token(self) -> None:
        """Beside the log, which would mask it."""
        sys.stderr.write(
            "management API: no user exists yet; create the first one on /ui/start, or with POST /api/v1/setup, "
            f"and the set-up token {self._setup_token.reveal()}\n"
        )
        sys.stderr.flush()


async def _tell_nobody(*, feed: bool, snapshot: bool) -> None:
    """For a control process that stands alone."""


async def _tell_that_it_lives() -> None:
    """Said by the loop that serves, so that it is not said where that hangs."""
    while True:
        _say("alive")
        await asyncio.sleep(ALIVE_S)


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def server_config(application: FastAPI) -> Config:
    """How an application is served."""
    return Config(
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
    given = read_arguments(arguments, required=("socket", "data-dir"), optional=_OPTIONAL)
    end_with_supervisor()
    if not Path(given["data-dir"]).is_dir():
        log("error", "the control process cannot start", why=f"the directory {given['data-dir']} does not exist")
        return 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return asyncio.run(_run(given))


async def _run(given: Mapping[str, str]) -> int:
    try:
        control = Control(given, asyncio.get_running_loop(), os.environ)
        listener = listen(Path(given["socket"]))
    except NewerSchema as error:
        log("error", "the control process cannot start", why=error)
        return EXIT_NEWER_SCHEMA
    except (StorageError, ValueError) as error:
        log("error", "the control process cannot start", why=error)
        return 1
    except OSError as error:
        log("error", "the control process cannot listen", why=error)
        return 1
    with listener:
        await control.serve(listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
