"""The section `mcp` of the configuration, checked: what could never work is an error, what has no effect a warning."""

from __future__ import annotations

from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigFile, ConfigPath, nearest
from asbru.mcp.servers import ServerSettings


def check_mcp(config: ConfigFile, findings: Findings) -> None:
    """Check servers and groups."""
    servers = config.mcp.servers
    for name, server in servers.items():
        _check_server(("mcp", "servers", name), server, findings)
    for name, patterns in config.mcp.groups.items():
        where: ConfigPath = ("mcp", "groups", name)
        if name in servers:
            findings.error(where, f"{name!r} is also the name of a server; give the group another name")
        for place, pattern in enumerate(patterns):
            server = pattern.partition("/")[0]
            if "*" not in server and server not in servers:
                findings.warn((*where, place), f"there is no MCP server {server!r}; {nearest(server, servers)}")


def _check_server(where: ConfigPath, server: ServerSettings, findings: Findings) -> None:
    if (server.url is None) == (not server.command):
        findings.error(where, "set either `url` or `command`")
    elif server.command and (server.headers or server.auth == "oauth" or server.transport != "auto"):
        findings.error(where, "`headers`, `auth: oauth` and `transport` are for servers with a `url`")
    elif server.url is not None and (server.env or server.args or server.cwd):
        findings.error(where, "`args`, `env` and `cwd` are for servers with a `command`")
