"""The servers of this process: those that are declared run, whatever changes about them.

A server whose declaration changes is connected to beside what it was (`Runner.before`); one that is removed or disabled
is ended. Sockets on which servers are presented stay from one declaration to the next, so that workers need not learn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec

from asbru.app.tools.api_entry import entry_of
from asbru.app.tools.presented import Presented
from asbru.app.tools.runner import Runner
from asbru.app.tools.runner import Shared as Ours
from asbru.mcp.catalogue import ServerEntry
from asbru.mcp.servers import McpSettings, Server
from asbru.telemetry import log


class Servers:
    """See the module. `run_dir`: where sockets are; `incarnation`: names this life of the process in session ids."""

    def __init__(self, ours: Ours, run_dir: Path, incarnation: str) -> None:
        self._ours = ours
        self._run_dir = run_dir
        self._incarnation = incarnation
        self._runners: dict[str, Runner] = {}
        self._presented: dict[str, Presented] = {}
        self._declared: dict[str, Server] = {}
        self._count = 0
        self._ending: set[asyncio.Task[None]] = set()

    def runner(self, name: str) -> Runner | None:
        """What runs a server; None: it is not declared, or disabled."""
        return self._runners.get(name)

    def server(self, name: str) -> Server | None:
        """A server as it is declared."""
        return self._declared.get(name)

    async def apply(self, settings: McpSettings, apis: Mapping[str, bytes] = {}) -> None:
        """Run what is declared from now on. `apis`: the tools of those that are HTTP APIs, which nothing runs."""
        declared = {server.name: server for server in settings.named()}
        for name in [name for name in self._runners if not _runs(declared.get(name))]:
            self._end(name)
        for name in set(self._ours.catalogue.names()) - set(declared):
            self._ours.catalogue.remove(name)
        for name, server in declared.items():
            sync_s = server.sync_s or settings.sync_s
            if not server.enabled:
                self._ours.catalogue.publish(_disabled(self._ours.catalogue.entry(name), name))
            elif server.openapi is not None:
                self._ours.catalogue.publish(entry_of(server, apis[name], self._ours.suspicions.of(server)))
            elif self._declared.get(name) != server or name not in self._runners:
                await self._run(server, sync_s)
            else:
                self._runners[name].sync_s = sync_s
        self._declared = declared

    async def _run(self, server: Server, sync_s: float) -> None:
        presented = self._presented.get(server.name)
        if presented is None and (server.argv or server.transport != "http"):
            path = self._run_dir / f"mcp-{server.name}.sock"
            presented = Presented(server.name, path, asyncio.get_running_loop())
            self._presented[server.name] = presented
        if presented is not None and (server.argv or server.transport == "sse"):
            await self._open(presented)
        self._count += 1
        runner = Runner(server, self._ours, presented, sync_s=sync_s, run=f"{self._incarnation}-{self._count}")
        runner.before = self._runners.get(server.name)
        self._runners[server.name] = runner
        runner.start()

    @staticmethod
    async def _open(presented: Presented) -> None:
        try:
            await presented.open()
        except OSError as error:
            log(
                "error",
                "the socket of an MCP server cannot be opened; trying again",
                socket=presented.path,
                why=error,
            )

    async def keep_listening(self) -> None:
        """Listen anew on sockets that somebody has removed."""
        for presented in self._presented.values():
            if presented.is_open:
                await self._open(presented)

    def _end(self, name: str) -> None:
        runner = self._runners.pop(name)
        presented = self._presented.pop(name, None)

        async def end() -> None:
            await runner.stop()
            if presented is not None:
                presented.close()

        task = asyncio.create_task(end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """End all of them."""
        for name in list(self._runners):
            self._end(name)
        if self._ending:
            await asyncio.wait(self._ending)


def _runs(server: Server | None) -> bool:
    """Whether something is to be connected to."""
    return server is not None and server.enabled and server.openapi is None


def _disabled(known: ServerEntry | None, name: str) -> ServerEntry:
    return msgspec.structs.replace(known or ServerEntry(name=name), state="disabled", reason="it is disabled")
