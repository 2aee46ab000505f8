"""The tools process, put together; see the package.

    python -m asbru.app.tools --data-dir DIR --snapshot PATH --bookkeeper PATH --url URL [--workers N]
                           [--control-fd N]

`--url`: where this gateway listens; `--workers`: how many it has. Sockets of presented servers are made beside the
snapshot. It is spoken to as a worker is (`app.children`): `reload PATH`, and `drain` or `stop`, which end it, as does
SIGTERM: stdio servers are ended in order, exit 0. Says `ready` before any server is connected to, and `alive` each
second. Exit 1: it cannot start; 2: the database is newer than this Asbru.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from asbru.app.announce import Announcer
from asbru.app.arguments import read_arguments
from asbru.app.control_socket import ControlSocket
from asbru.app.lifeline import end_with_supervisor
from asbru.app.snapshot import Snapshot, read_snapshot
from asbru.app.tools.answers import Answers
from asbru.app.tools.catalogue import Catalogue
from asbru.app.tools.http import Http
from asbru.app.tools.key_identities import KeyIdentities
from asbru.app.tools.messages import ANSWERED, ASKED, HERE, PARTED, Answered, Asked
from asbru.app.tools.oauth import Flows, Grants, GrantStore
from asbru.app.tools.outside import Outside
from asbru.app.tools.pins import Pins
from asbru.app.tools.runner import Shared as Ours
from asbru.app.tools.servers import Servers
from asbru.app.tools.subscribers import Subscribers
from asbru.link.link import Link
from asbru.mcp.servers.outside import TOLD_SUBJECT, WORKER_SUBJECT
from asbru.mcp.servers.subscriptions import OVER_SUBJECT
from asbru.secrets import load_keyring
from asbru.storage import DATABASE_NAME, NewerSchema, StorageError, open_database, sqlite_url
from asbru.telemetry import log

TICK_S: Final = 1.0
ANSWER_S: Final = 90.0
"""No question waits longer: whoever asked has given up."""
END_S: Final = 8.0
"""Less than the supervisor grants."""
EXIT_NEWER_SCHEMA: Final = 2


class Tools:
    """The process's objects. Raises `NewerSchema`, `StorageError`, and `ValueError` and OSError for the snapshot."""

    def __init__(self, given: Mapping[str, str], loop: asyncio.AbstractEventLoop, env: Mapping[str, str]) -> None:
        data_dir = Path(given["data-dir"])
        self._loop = loop
        self._url = given["url"]
        self._snapshot = _load(given["snapshot"])
        self._database = open_database(sqlite_url(data_dir / DATABASE_NAME))
        self._keys = KeyIdentities(self._database)
        self._keys.take_file(Path(given["snapshot"]))
        self._link = Link(loop, given["bookkeeper"])
        self._announcer = Announcer(self._link, lambda: None)
        self._http = Http(loop)
        catalogue = Catalogue(self._database, self._announce)
        pins = Pins(self._database)
        store = GrantStore(self._database, lambda: load_keyring(data_dir, env))
        self._grants = Grants(self._http, store, _now_ms)
        self._subscribers = Subscribers(self._link.tell)
        self._outside = Outside(self._link.tell, workers_min=int(given.get("workers", "1")))
        ours = Ours(
            self._http,
            catalogue,
            pins,
            credentials=self._grants.credentials,
            subscribers=self._subscribers,
            outside=self._outside,
            now_ms=_now_ms,
        )
        self._catalogue = catalogue
        self._servers = Servers(ours, Path(given["snapshot"]).parent, os.urandom(6).hex())
        self._answers = Answers(
            self._servers,
            catalogue,
            pins,
            grants=self._grants,
            flows=Flows(self._http, store, self._grants),
            store=store,
            keys=self._keys,
            subscribers=self._subscribers,
            now_ms=_now_ms,
        )
        self._answering: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._control = ControlSocket(loop, given.get("control-fd"), "tools")
        self._reloading: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve until told to end."""
        self._link.on_connect(self._tell_here)
        self._link.subscribe(ASKED, self._take_question)
        self._link.subscribe(PARTED, self._part)
        self._link.subscribe(OVER_SUBJECT, lambda payload: self._subscribers.end(payload.decode()))
        self._link.subscribe(WORKER_SUBJECT, self._outside.meet)
        self._link.subscribe(TOLD_SUBJECT, self._outside.take_told)
        self._link.open()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._ended.set)
        self._control.listen(self._take_line, self._ended.set)
        await self._apply(self._snapshot)
        self._control.say("ready")
        while not self._ended.is_set():
            self._control.say("alive")
            self._subscribers.sweep()
            await self._servers.keep_listening()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._ended.wait()
        self._control.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await self._servers.close()
        await self._catalogue.close()
        await self._announcer.close()
        await self._link.close()
        self._http.close()
        self._database.close()
        self._control.close()

    async def _apply(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._answers.public_url = (snapshot.mcp.public_url or self._url).rstrip("/")
        await self._servers.apply(snapshot.mcp, snapshot.apis)

    def _tell_here(self) -> None:
        self._outside.begin()
        self._link.tell(HERE, b"")

    def _part(self, payload: bytes) -> None:
        self._subscribers.part(payload.decode())
        self._outside.part(payload.decode())

    async def _announce(self) -> None:
        await self._announcer(feed=True, snapshot=False)

    # ---- questions

    def _take_question(self, payload: bytes) -> None:
        try:
            asked = msgspec.msgpack.decode(payload, type=Asked)
        except ValueError as error:
            log("error", "a request to the tools process cannot be read", why=error)
            return
        task = self._loop.create_task(self._answer(asked))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, asked: Asked) -> None:
        answer: bytes | None = None
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._answers.answer(asked.subject, asked.payload)
        except Exception as error:  # noqa: BLE001 -- who asked is refused, the log has why
            log("error", "a request to the tools process failed", subject=asked.subject, why=repr(error))
        self._link.tell(ANSWERED, msgspec.msgpack.encode(Answered(asked.number, answer)))

    # ---- the supervisor

    def _take_line(self, word: str, rest: str) -> None:
        if word == "reload":
            self._reloading = self._loop.create_task(self._reload(rest, self._reloading))
        else:
            self._ended.set()

    async def _reload(self, path: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait((before,))
        try:
            await self._apply(_load(path))
            self._keys.take_file(Path(path))
        except (ValueError, OSError) as error:
            log("error", "a snapshot was rejected", process="tools", why=error)
            self._control.say(f"refused {error}")
        else:
            self._control.say(f"reloaded {path}")


def _load(path: str) -> Snapshot:
    return read_snapshot(Path(path).read_bytes())


def _now_ms() -> int:
    return int(time.time() * 1000)


async def _run(given: Mapping[str, str]) -> int:
    try:
        tools = Tools(given, asyncio.get_running_loop(), os.environ)
    except NewerSchema as error:
        log("error", "the tools process cannot start", why=error)
        return EXIT_NEWER_SCHEMA
    except (StorageError, ValueError, OSError) as error:
        log("error", "the tools process cannot start", why=error)
        return 1
    await tools.run()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run until told to end; returns the exit code."""
    given = read_arguments(
        arguments, required=("data-dir", "snapshot", "bookkeeper", "url"), optional=("workers", "control-fd")
    )
    end_with_supervisor()
    return asyncio.run(_run(given))


if __name__ == "__main__":
    sys.exit(main())
