"""Servers as the tools process runs them, without that process: their entries, and calls over the sockets on which they
are presented.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httptools
import msgspec
from tests.fakes.waiting import until

from asbru.app.tools.answers import Answers
from asbru.app.tools.catalogue import Catalogue
from asbru.app.tools.http import Http
from asbru.app.tools.http_peer import Credentials
from asbru.app.tools.key_identities import KeyIdentities
from asbru.app.tools.oauth import Flows, Grants, GrantStore
from asbru.app.tools.outside import Outside
from asbru.app.tools.pins import Pins
from asbru.app.tools.runner import Shared
from asbru.app.tools.servers import Servers
from asbru.app.tools.subscribers import Subscribers
from asbru.cluster import Entry, stored
from asbru.governance import VIRTUAL_KEY
from asbru.governance.entries import KeyEntry
from asbru.mcp.catalogue import ServerEntry
from asbru.mcp.servers import McpSettings, Server, ServerSettings
from asbru.secrets import Keyring, make_key
from asbru.storage import open_database, sqlite_url

SCRIPT = str(Path(__file__).with_name("mcp_server.py"))
SEAL_KEY = make_key()
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def stdio(*arguments: str, **settings: Any) -> ServerSettings:
    """The fake stdio server, as it would be declared."""
    return ServerSettings(command=(sys.executable, SCRIPT, *arguments), **settings)


class Running:
    """Servers that run. `announced`: how often workers were told."""

    def __init__(self, folder: Path) -> None:
        self.database = open_database(sqlite_url(folder / "asbru.db"))
        self.folder = folder
        self.announced = 0
        self.http = Http(asyncio.get_running_loop())
        self.catalogue = Catalogue(self.database, self._announce)
        self.pins = Pins(self.database)
        self.now_ms = 1_000_000
        store = GrantStore(self.database, lambda: Keyring([SEAL_KEY]))
        self.grants = Grants(self.http, store, self._now_ms)
        self.told: list[tuple[str, bytes]] = []
        subscribers = Subscribers(lambda subject, payload: self.told.append((subject, payload)))
        self.outside = Outside(lambda subject, payload: self.told.append((subject, payload)), workers_min=1)
        ours = Shared(
            self.http,
            self.catalogue,
            self.pins,
            credentials=self.credentials,
            subscribers=subscribers,
            outside=self.outside,
            now_ms=self._now_ms,
        )
        self.servers = Servers(ours, folder, "life")
        self.answers = Answers(
            self.servers,
            self.catalogue,
            self.pins,
            grants=self.grants,
            flows=Flows(self.http, store, self.grants),
            store=store,
            keys=KeyIdentities(self.database),
            subscribers=subscribers,
            now_ms=self._now_ms,
        )
        self.answers.public_url = "http://127.0.0.1:8080"

    def _now_ms(self) -> int:
        return self.now_ms

    async def _announce(self) -> None:
        self.announced += 1

    def credentials(self, server: Server, user: str) -> Credentials:
        """As the process makes them; and who the user is."""
        made = self.grants.credentials(server, user)

        async def headers() -> dict[str, str]:
            given = await made()
            return {**given, "x-user": user} if user else given

        return headers

    def declare_key(self, name: str, identity: str, digest: str = "d1") -> None:
        """A virtual key of the management API, in place of one with the same digest."""
        entry = msgspec.msgpack.encode(KeyEntry(name, ("*",), identity=identity))
        with self.database.transaction():
            version = stored.save_entries(self.database, [Entry(VIRTUAL_KEY, digest, entry)])
            stored.forget_superseded(self.database, VIRTUAL_KEY, [digest], version)

    async def apply(self, **servers: ServerSettings) -> None:
        """Declare these."""
        await self.servers.apply(McpSettings(servers=servers))

    def entry(self, name: str) -> ServerEntry:
        """What is published of a server."""
        found = self.catalogue.entry(name)
        assert found is not None
        return found

    def tools(self, name: str) -> list[str]:
        """The names of the tools that are published and not held."""
        return [tool.name for tool in self.entry(name).tools if not tool.held]

    async def state(self, name: str, state: str) -> ServerEntry:
        """Wait until a server is in a state."""
        await until(lambda: self.entry(name).state == state, f"{name} is {state}")
        return self.entry(name)

    async def ready(self, name: str) -> ServerEntry:
        """Wait until a server is ready."""
        return await self.state(name, "ready")

    async def call(self, name: str, tool: str, arguments: dict[str, Any] | None = None, **meta: Any) -> Any:
        """The result of a tool of a server that is presented, as a worker would call it."""
        entry = self.entry(name)
        params: dict[str, Any] = {"name": tool, "arguments": arguments or {}}
        params["_meta"] = {**(META if entry.era == "stateless" else {}), **meta}
        status, messages = await post(entry.endpoint, {"id": 1, "method": "tools/call", "params": params})
        assert status == 200, messages
        return messages[-1].get("result", messages[-1].get("error"))


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    """Servers that run until the end of the block."""
    made = Running(folder)
    try:
        yield made
    finally:
        await made.servers.close()
        await made.catalogue.close()
        made.http.close()
        made.database.close()


def text_of(result: Any) -> str:
    """The text of a result."""
    return str(result["content"][0]["text"])


class _Response:
    """What comes back, parsed as it comes."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.complete = False
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True

    def messages(self) -> list[dict[str, Any]]:
        """The messages of the body so far."""
        if self.headers.get("content-type") == "text/event-stream":
            events = bytes(self.body).split(b"\n\n")[:-1]
            return [json.loads(event.removeprefix(b"data: ")) for event in events if event.startswith(b"data: ")]
        return [json.loads(bytes(self.body))] if self.body and self.complete else []


class Caller:
    """One connection to a socket; `messages` are those that came so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._response = _Response()

    @classmethod
    async def connect(cls, path: str) -> Caller:
        """Connect."""
        return cls(*await asyncio.open_unix_connection(path))

    def send(self, message: dict[str, Any] | None, *, method: str = "POST", **headers: str) -> None:
        """Send a request; header names with `_` for `-`."""
        body = b"" if message is None else json.dumps({"jsonrpc": "2.0", **message}).encode()
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"{method} /mcp HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
        self._writer.write(head.encode() + body)

    @property
    def status(self) -> int:
        """Of the response."""
        return self._response.parser.get_status_code()

    @property
    def headers(self) -> dict[str, str]:
        """Of the response."""
        return self._response.headers

    async def messages(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many messages."""
        async with asyncio.timeout(60):
            while len(self._response.messages()) < count:
                self._response.parser.feed_data(await self._reader.read(1 << 20))
        return self._response.messages()

    async def end(self) -> list[dict[str, Any]]:
        """Wait for the end of the response."""
        async with asyncio.timeout(60):
            while not self._response.complete:
                self._response.parser.feed_data(await self._reader.read(1 << 20))
        return self._response.messages()

    def leave(self) -> None:
        """Hang up."""
        self._writer.close()


async def post(path: str, message: dict[str, Any], **headers: str) -> tuple[int, list[dict[str, Any]]]:
    """The status and messages of one POST."""
    caller = await Caller.connect(path)
    caller.send(message, **headers)
    messages = await caller.end()
    caller.leave()
    return caller.status, messages
