"""The section `mcp` of the configuration, checked: what could never work is an error, what has no effect a warning."""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec

from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigFile, ConfigPath, nearest
from asbru.mcp.servers import ServerSettings


def check_mcp(config: ConfigFile, findings: Findings, stored: Collection[ConfigPath] = ()) -> None:
    """Check servers and groups. `stored`: where in the configuration objects are that came over the management API."""
    servers = config.mcp.servers
    for name, server in servers.items():
        where: ConfigPath = ("mcp", "servers", name)
        _check_server(where, server, findings)
        if where in stored and server.command and server.command[0] not in config.mcp.commands_from_api:
            findings.error(
                where, f"a server of the management API may not start {server.command[0]!r}: `mcp.commands_from_api`"
            )
    if any(server.code_mode for server in servers.values()) and find_spec("pydantic_monty") is None:
        first = next(name for name, server in servers.items() if server.code_mode)
        findings.error(
            ("mcp", "servers", first, "code_mode"), "code mode is not installed: `pip install 'asbru[codemode]'`"
        )
    for name, patterns in config.mcp.groups.items():
        where = ("mcp", "groups", name)
        if name in servers:
            findings.error(where, f"{name!r} is also the name of a server; give the group another name")
        for place, pattern in enumerate(patterns):
            warn_of_server((*where, place), pattern.partition("/")[0], config, findings)
    for index, key in enumerate(config.virtual_keys):
        for place, pattern in enumerate(key.mcp):
            if pattern not in config.mcp.groups:
                warn_of_server(("virtual_keys", index, "mcp", place), pattern.partition("/")[0], config, findings)


def warn_of_server(where: ConfigPath, server: str, config: ConfigFile, findings: Findings) -> None:
    """A pattern of tools of a server that there is not fits none."""
    servers = config.mcp.servers
    if "*" not in server and server not in servers:
        findings.warn(where, f"there is no MCP server {server!r}; {nearest(server, servers)}")


def _check_server(where: ConfigPath, server: ServerSettings, findings: Findings) -> None:
    if (server.url is None) == (not server.command):
        findings.error(where, "set either `url` or `command`")
    elif server.command and (server.headers or server.auth == "oauth" or server.transport != "auto"):
        findings.error(where, "`headers`, `auth: oauth` and `transport` are for servers with a `url`")
    elif any(not value.reveal().isprintable() or not value.reveal().isascii() for value in server.headers.values()):
        findings.error((*where, "headers"), "a value cannot be sent in a header")
    elif server.per_user and (server.command or server.transport == "sse"):
        findings.error(
            where, "`per_user` needs streamable HTTP: other transports have one connection for all callers"
        )
    elif server.url is not None and (server.env or server.args or server.cwd):
        findings.error(where, "`args`, `env` and `cwd` are for servers with a `command`")
