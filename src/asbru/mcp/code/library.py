"""The library of a caller: the tools that it may use, as files that a model lists and reads.

    servers/github.pyi              all tools of a server in one file, or, where there are many,
    servers/github/get_issue.pyi    a file for each

Pure: made from the definitions that the caller may use, so what is not granted has no name here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from asbru.mcp.catalogue import Definition
from asbru.mcp.code.names import identifiers
from asbru.mcp.code.stubs import ToolStub, stub_of

Binding: TypeAlias = Literal["auto", "server", "tool"]
"""What a file holds: the tools of a server, or one tool. `auto`: by their number."""

TOOLS_PER_FILE_MAX: Final = 24
"""With `auto`: a server with more has a file for each tool, since a model reads whole files."""
LISTED_MAX: Final = 200
_FOLDER: Final = "servers/"
_SUFFIX: Final = ".pyi"
_HEADER: Final = "from typing import Any, Literal, NotRequired, TypedDict\n\n"


class _Stubs(Mapping[str, ToolStub]):
    """The stubs of a server by identifier, each written when it is first asked for: most never are, and hundreds at
    once would keep others waiting."""

    def __init__(self, server: str, tools: Mapping[str, str], definitions: Mapping[str, bytes]) -> None:
        self._server = server
        self._tools = tools
        self._definitions = definitions
        self._written: dict[str, ToolStub] = {}

    def __getitem__(self, name: str) -> ToolStub:
        found = self._written.get(name)
        if found is None:
            tool = self._tools[name]
            found = self._written[name] = stub_of(self._server, name, tool, self._definitions[tool])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __contains__(self, name: object) -> bool:
        return name in self._tools


class LibraryServer(msgspec.Struct, frozen=True):
    """A server as scripts see it. `name`: the identifier by which they call it; `tools` by identifier."""

    server: str
    name: str
    tools: Mapping[str, ToolStub]
    by_tool: bool


class Library:
    """See the module. `servers` by identifier."""

    def __init__(self, granted: Mapping[str, Sequence[Definition]], binding: Binding = "auto") -> None:
        self.servers: dict[str, LibraryServer] = {}
        for name, server in identifiers(granted).items():
            definitions = {one.name: one.definition for one in granted[server]}
            tools = _Stubs(server, identifiers(definitions), definitions)
            by_tool = binding == "tool" or (binding == "auto" and len(tools) > TOOLS_PER_FILE_MAX)
            self.servers[name] = LibraryServer(server, name, tools, by_tool)

    def find(self, name: str, tool: str) -> ToolStub | None:
        """A tool by the identifiers of its server and its own."""
        server = self.servers.get(name)
        return None if server is None else server.tools.get(tool)

    def files(self) -> list[str]:
        """All files, in order."""
        return [path for server in self.servers.values() for path in _paths(server)]

    def tree(self) -> str:
        """The files, indented, and how to go on."""
        lines = [_FOLDER] if self.servers else ["There are no tools that you may use."]
        for server in self.servers.values():
            if not server.by_tool:
                lines.append(f"  {server.name}{_SUFFIX}  ({len(server.tools)} tools)")
                continue
            lines.append(f"  {server.name}/  ({len(server.tools)} tools)")
            lines += [f"    {name}{_SUFFIX}" for name in server.tools]
        if self.servers:
            lines += [
                "",
                "Read a file with readToolFile, then call its functions in executeToolCode: server.tool(argument=...).",
            ]
        return "\n".join(lines)

    def read(self, path: str) -> str | None:
        """The text of a file; None where there is none. Letter case, the folder and the suffix do not matter."""
        server_name, _, tool_name = _key(path).partition("/")
        server = next((one for one in self.servers.values() if one.name.lower() == server_name), None)
        if server is None:
            return None
        if not tool_name:
            return _HEADER + "\n".join(stub.compact for stub in server.tools.values()) + "\n"
        stub = next((server.tools[name] for name in server.tools if name.lower() == tool_name), None)
        return None if stub is None else f"{_HEADER}{stub.compact}\n"


def _paths(server: LibraryServer) -> list[str]:
    if not server.by_tool:
        return [f"{_FOLDER}{server.name}{_SUFFIX}"]
    return [f"{_FOLDER}{server.name}/{name}{_SUFFIX}" for name in server.tools]


def _key(path: str) -> str:
    return (
        path.strip()
        .lower()
        .removeprefix("./")
        .removeprefix("/")
        .removeprefix(_FOLDER)
        .removesuffix(_SUFFIX)
        .strip("/")
    )
