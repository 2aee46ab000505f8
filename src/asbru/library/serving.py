"""What an open gateway consists of: a compiled configuration, what is built of it, and the door.

    compiled (in a thread) -> built -> calls -> closed: calls under way end, records are written

What needs a process of its own when served runs here: the bookkeeper in a thread, and only where there are limits or a
data directory; the mock on this event loop, and only where it is configured.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from traceback import format_exception
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from asbru import __version__
from asbru.app.boot import Options
from asbru.app.build import build_rooms, declare, handed_headers, watched_headers
from asbru.app.compile import Compiled, compile_config
from asbru.app.config import Document
from asbru.app.data_dir import ensure_data_dir
from asbru.app.data_lock import DataLock
from asbru.app.lasting import Lasting
from asbru.app.paths import RunDir
from asbru.edge.door import Door
from asbru.edge.server import SWEEP_S, Head, HeaderPlans, Request
from asbru.governance.limits import Limits
from asbru.library.books import Books
from asbru.library.recorder import CostRecorder
from asbru.library.response import Connection
from asbru.link.link import Link
from asbru.records import RecordWriter
from asbru.records.bodies import writer as body_writer
from asbru.telemetry import Meter
from asbru.wire.outbox import Outbox

if TYPE_CHECKING:
    from asbru.dialects import Dialect
    from asbru.edge.server import ServerConnection

Config = str | Path | Mapping[str, Any]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BREAK = re.compile(r"[\r\n\0]")
"""What a served gateway's parser refuses in a header. An application may pass on what its users wrote."""


class Route(NamedTuple):
    """Where an operation is asked for."""

    method: bytes
    path: str
    dialect: Dialect


class Serving:
    """See the module; made by `serving`."""

    def __init__(self, compiled: Compiled, lasting: Lasting, costs: CostRecorder) -> None:
        snapshot = compiled.snapshot
        self.costs = costs
        self.warnings = tuple(map(str, compiled.warnings))
        rooms = build_rooms(snapshot, lasting)
        for _ in declare(snapshot, compiled.declared, lasting):
            pass  # nobody calls yet
        self.routes = {
            f"{dialect.surface.name}.{one.surface}": Route(
                one.methods[0], f"{dialect.surface.bases[0]}{one.routes[0]}", dialect
            )
            for dialect in lasting.dialects.values()
            for one in dialect.operations
            if one.routes and one.stored is None
        }
        """Every operation of every dialect, by its name in records, but for those on stored objects: a library keeps no
        index of them."""
        self._limits = snapshot.limits
        self._door = Door(lasting.dialects.values(), lambda: False, lambda told: told(None), __version__)
        self._door.rooms = rooms
        self._plans = HeaderPlans(lasting.header_prefixes)
        self._plans.watch(watched_headers(rooms), handed_headers(rooms))
        self._connections: set[Connection] = set()

    def begin(self, method: bytes, path: str, body: bytes, headers: Mapping[str, str]) -> Connection:
        """A request as it would come from a connection, under way."""
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name) or _BREAK.search(value):
                raise ValueError(f"expected the name of a header, and a value on one line, got {name[:100]!r}")
        head = Head()
        head.method = method
        head.read_target(path.encode())
        names = tuple(name.encode("latin-1") for name in headers)
        head.read_headers(self._plans[names], [value.encode("latin-1") for value in headers.values()])
        request = Request(head, body)
        request.received_s = time.monotonic()
        if len(body) > self._limits.body_bytes_max:
            request.error = self._limits.body_error()
        connection = Connection(self._connections.discard)
        self._connections.add(connection)
        self._door.handle(request, cast("ServerConnection", connection))
        return connection

    def end_calls(self) -> None:
        """End the calls under way."""
        for connection in tuple(self._connections):
            connection.leave()


@asynccontextmanager
async def serving(config: Config | None, data_dir: Path | None) -> AsyncGenerator[Serving]:
    """An open gateway, closed on the way out. Raises `ConfigRefusedError`, and what keeps the database from opening;
    OSError where another gateway uses the data directory."""
    run_dir = RunDir()
    lock = None
    try:
        lock = None if data_dir is None else DataLock(ensure_data_dir(data_dir))
        compiled = await asyncio.to_thread(_compile, config, data_dir, run_dir.path)
        servers = [await _serve_here(kind, run_dir.path) for kind in compiled.boot.served_here]
        try:
            async with _built(compiled, data_dir, run_dir.path) as made:
                yield made
        finally:
            for server in servers:
                server.close()
    finally:
        run_dir.close()
        if lock is not None:
            lock.close()


def _compile(config: Config | None, data_dir: Path | None, run_dir: Path) -> Compiled:
    document = None
    if isinstance(config, Mapping):
        document = Document(msgspec.json.decode(msgspec.json.encode(config)))
        config = None
    options = Options(
        run_dir if data_dir is None else ensure_data_dir(data_dir),
        None if config is None else Path(config),
        host="localhost",  # nobody else can call: without virtual keys none is needed
        control=False,
        mock_socket=str(_socket_of(run_dir)),
    )
    return compile_config(options, os.environ, dry=True, document=document)


async def _serve_here(kind: str, run_dir: Path) -> asyncio.Server:
    """The server of a provider that Asbru starts."""
    module = importlib.import_module(f"asbru.providers.{kind}.server")
    return await module.serve(module.open_listener(_socket_of(run_dir), 0))


def _socket_of(run_dir: Path) -> Path:
    return run_dir / "mock.sock"


@asynccontextmanager
async def _built(compiled: Compiled, data_dir: Path | None, run_dir: Path) -> AsyncGenerator[Serving]:
    loop = asyncio.get_running_loop()
    socket_path = run_dir / "books.sock"
    link, meter, outbox = Link(loop, str(socket_path)), Meter(), Outbox(loop.call_soon)
    limits = Limits(loop, link, time.monotonic)
    bodies = None if data_dir is None else body_writer.BodyWriter(link)
    writer = None if data_dir is None else RecordWriter(loop, link, meter=meter)
    costs = CostRecorder(writer)
    lasting = Lasting(loop, cast("RecordWriter", costs), meter, outbox, limits=limits, bodies=bodies)
    made = Serving(compiled, lasting, costs)
    books = Books(socket_path, data_dir or run_dir) if limits.owners.limited or data_dir is not None else None
    if books is not None:
        await asyncio.to_thread(books.open)
        link.open()
    sweeping = loop.create_task(_sweep(lasting, outbox))
    try:
        yield made
    finally:
        made.end_calls()
        sweeping.cancel()
        lasting.keep_only(set())
        if writer is not None:
            writer.close()
        limits.close()
        if books is not None:
            await link.close()
            await asyncio.to_thread(books.close)
        if lasting.spans is not None:
            await asyncio.to_thread(lasting.spans.close)
        lasting.failures.close()


async def _sweep(lasting: Lasting, outbox: Outbox) -> None:
    """Deadlines, as a served gateway's server looks after them."""
    while True:
        await asyncio.sleep(SWEEP_S)
        now_s = time.monotonic()
        try:
            lasting.sweep(now_s)
            outbox.tick(now_s)
        except Exception as error:  # noqa: BLE001 -- the log is told; later deadlines hold all the same
            why = "".join(format_exception(error))
            lasting.failures.say(now_s, "error", "a bug, please report it", (), why=why)
        lasting.failures.tick(now_s)
