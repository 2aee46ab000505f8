"""The entries of servers that workers are told of, kept in the feed of the database: a restart begins with them.

What is published counts at once for this process; it is saved as soon as the database takes it, and announced. A
database that is locked or full delays workers' news, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from asbru.cluster import Entry, stored
from asbru.mcp.catalogue import MCP_SERVER, ServerEntry, read_server, write_server
from asbru.storage import Database, StorageError
from asbru.telemetry import log

SAVE_AGAIN_S: Final = 0.5


class Catalogue:
    """See the module. `announce` tells workers that the feed has changed. Raises StorageError when it is made."""

    def __init__(self, database: Database, announce: Callable[[], Awaitable[None]]) -> None:
        self._database = database
        self._announce = announce
        self._payloads = stored.read_kind(database, MCP_SERVER)
        self._unsaved: dict[str, bytes | None] = {}
        self._saving: asyncio.Task[None] | None = None

    def entry(self, name: str) -> ServerEntry | None:
        """What is published of a server; None: nothing, or nothing that can be read."""
        payload = self._payloads.get(name)
        try:
            return None if payload is None else read_server(payload)
        except ValueError:
            return None

    def names(self) -> list[str]:
        """The servers that something is published of."""
        return list(self._payloads)

    def publish(self, entry: ServerEntry) -> None:
        """Make this the entry of its server."""
        payload = write_server(entry)
        if self._payloads.get(entry.name) != payload:
            self._payloads[entry.name] = payload
            self._save_soon(entry.name, payload)

    def remove(self, name: str) -> None:
        """There is no such server any more."""
        if self._payloads.pop(name, None) is not None:
            self._save_soon(name, None)

    async def close(self) -> None:
        """Save what can be saved."""
        if self._saving is not None and not self._saving.done():
            await asyncio.wait((self._saving,), timeout=SAVE_AGAIN_S)
            self._saving.cancel()

    def _save_soon(self, name: str, payload: bytes | None) -> None:
        self._unsaved[name] = payload
        if self._saving is None or self._saving.done():
            self._saving = asyncio.create_task(self._save())

    async def _save(self) -> None:
        told = False
        while self._unsaved:
            taken, self._unsaved = self._unsaved, {}
            try:
                with self._database.transaction():
                    entries = [Entry(MCP_SERVER, name, payload) for name, payload in taken.items()]
                    version = stored.save_entries(self._database, entries)
                    stored.forget_superseded(self._database, MCP_SERVER, list(taken), version)
            except StorageError as error:
                self._unsaved = {**taken, **self._unsaved}
                if not told:
                    log("warning", "the catalogue of MCP servers cannot be saved; trying again", why=error)
                told = True
                await asyncio.sleep(SAVE_AGAIN_S)
            else:
                await self._announce()
