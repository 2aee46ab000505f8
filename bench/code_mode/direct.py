"""The same tools without a gateway, for tests and for work on the tasks: neither limits nor access nor records."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any

from asbru.mcp.catalogue import Definition, digest_of
from asbru.mcp.code import META_TOOLS, Library, Sandbox, Script, answer
from bench.code_mode.model import Offered
from bench.code_mode.serve import ToolServers


class Direct:
    """All tools, as `/mcp` names them."""

    def __init__(self, servers: ToolServers) -> None:
        self._servers = servers

    def tools(self) -> dict[str, Offered]:
        """All tools of all servers."""
        named = {
            f"{server}__{tool.name}": tool
            for server, all_of in self._servers.tools.items()
            for tool in all_of.values()
        }
        return {
            name: Offered(name, tool.description, tool.definition()["inputSchema"]) for name, tool in named.items()
        }

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """The text of a result."""
        server, _, tool = name.partition("__")
        return str(self._servers.call(server, tool, arguments)["content"][0]["text"])


class DirectCode:
    """The four tools of code mode, with an interpreter until the end of the block."""

    def __init__(self, servers: ToolServers) -> None:
        self._servers = servers
        self._library = Library(
            {
                server: [_definition(tool.definition()) for tool in tools.values()]
                for server, tools in servers.tools.items()
            }
        )
        self._loop = asyncio.new_event_loop()
        self._sandbox = Sandbox()

    def __enter__(self) -> DirectCode:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._loop.run_until_complete(self._sandbox.close())
        self._loop.close()

    def tools(self) -> dict[str, Offered]:
        """The four."""
        return {one.name: Offered(one.name, one.description, one.schema) for one in META_TOOLS}

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """The text of an answer."""
        script = Script(self._sandbox, self._library, _Caller(self._servers))
        return self._loop.run_until_complete(answer(name, arguments, self._library, script)).text


class _Caller:
    def __init__(self, servers: ToolServers) -> None:
        self._servers = servers

    async def call(self, server: str, tool: str, arguments: bytes, *, approved: bool) -> bytes:
        """A call of a script; everything is approved."""
        del approved
        return json.dumps(self._servers.call(server, tool, json.loads(arguments))).encode()


def _definition(definition: dict[str, Any]) -> Definition:
    data = json.dumps(definition).encode()
    return Definition(definition["name"], data, digest_of(data))
