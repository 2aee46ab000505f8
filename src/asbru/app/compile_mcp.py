"""The section `mcp` of the configuration, checked: what could never work is an error, what has no effect a warning;
and documents of HTTP APIs, read and chosen from.

Not here: the objects of a worker (`build_mcp`).
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec
from typing import TYPE_CHECKING

import msgspec

from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigFile, ConfigPath, nearest
from asbru.mcp.servers import McpSettings, ServerSettings
from asbru.mcp.servers.http_api import OPERATIONS_MAX, HttpApi
from asbru.mcp.servers.rule import TOOL_VARIABLES
from asbru.routing.rules import check_rule

if TYPE_CHECKING:
    from asbru.mcp.openapi import Api

_SKIPPED_TOLD_MAX = 20


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
            ("mcp", "servers", first, "code_mode"),
            "needs the extra `codemode`: `make setup` in a checkout, else `pip install 'asbru[codemode]'`",
        )
    for name, patterns in config.mcp.groups.items():
        where = ("mcp", "groups", name)
        if name in servers:
            findings.error(where, f"{name!r} is also the name of a server; give the group another name")
        for place, pattern in enumerate(patterns):
            warn_of_server((*where, place), pattern.partition("/")[0], config, findings)
    _check_rules(config, findings)
    for index, key in enumerate(config.virtual_keys):
        for place, pattern in enumerate(key.mcp):
            if pattern not in config.mcp.groups:
                warn_of_server(("virtual_keys", index, "mcp", place), pattern.partition("/")[0], config, findings)


def warn_of_server(where: ConfigPath, server: str, config: ConfigFile, findings: Findings) -> None:
    """A pattern of tools of a server that there is not fits none."""
    servers = config.mcp.servers
    if "*" not in server and server not in servers:
        findings.warn(where, f"there is no MCP server {server!r}; {nearest(server, servers)}")


def _check_rules(config: ConfigFile, findings: Findings) -> None:
    seen: set[str] = set()
    for index, rule in enumerate(config.mcp.rules):
        where: ConfigPath = ("mcp", "rules", index)
        if rule.name in seen:
            findings.error((*where, "name"), f"{rule.name!r} is used twice")
        seen.add(rule.name)
        for problem in check_rule(rule.when, TOOL_VARIABLES):
            findings.error((*where, "when"), str(problem))
        for place, pattern in enumerate(rule.tools):
            if pattern not in config.mcp.groups:
                warn_of_server((*where, "tools", place), pattern.partition("/")[0], config, findings)


def compile_apis(
    config: ConfigFile, findings: Findings, stored: Collection[ConfigPath] = ()
) -> tuple[McpSettings, dict[str, bytes]]:
    """The section with the address of each API as its `url`, and without documents; and the tools of each API that were
    chosen. A document that cannot be used is an error."""
    servers, apis = dict(config.mcp.servers), dict[str, bytes]()
    for name, server in config.mcp.servers.items():
        if server.openapi is None:
            continue
        where: ConfigPath = ("mcp", "servers", name, "openapi")
        for header, template in server.openapi.forward.items():
            from asbru.mcp.openapi import flaws_of  # loads what most gateways do not use

            for flaw in flaws_of(header, template):
                findings.error((*where, "forward", header), flaw)
        text = _document(where, server.openapi, findings, is_stored=where[:3] in stored)
        made = None if text is None else _read_api(where, server.openapi, text, findings)
        if made is not None:
            url, apis[name] = made
            plain = msgspec.structs.replace(server.openapi, file=None, document="")
            servers[name] = msgspec.structs.replace(server, url=url, openapi=plain)
    return msgspec.structs.replace(config.mcp, servers=servers), apis


def _document(where: ConfigPath, api: HttpApi, findings: Findings, *, is_stored: bool) -> str | None:
    if bool(api.file) == bool(api.document):
        findings.error(where, "set either `file` or `document`")
        return None
    if api.document:
        return api.document
    if is_stored:
        findings.error((*where, "file"), "a server of the management API gives the text itself, as `document`")
        return None
    return findings.read_text((*where, "file"), str(api.file))


def _read_api(where: ConfigPath, settings: HttpApi, text: str, findings: Findings) -> tuple[str, bytes] | None:
    """Where the API is, and the tools that were chosen."""
    from asbru.app.api_documents import choose, read_document
    from asbru.mcp.openapi import DocumentError, write_tools

    place = (*where, "file" if settings.file else "document")
    try:
        api = read_document(text)
    except DocumentError as error:
        findings.error(place, str(error))
        return None
    chosen, idle = choose(api, settings.operations)
    for one in idle if api.tools else ():
        findings.error(
            (*where, "operations"), f"no operation fits {one!r}; {nearest(one, [tool.name for tool in api.tools])}"
        )
    if not chosen:
        findings.error(place, "it has no operation that can be a tool")
    if len(chosen) > OPERATIONS_MAX:
        findings.error(
            (*where, "operations"), f"{len(chosen)} operations fit, more than {OPERATIONS_MAX}: choose from them"
        )
    for skipped in api.skipped[:_SKIPPED_TOLD_MAX]:
        findings.warn(place, f"an operation is left out: {skipped[:500]}")
    _check_schemes(where, settings, api, findings)
    url = settings.base_url or api.url
    if not url.startswith(("http://", "https://")) or "{" in url:
        findings.error(where, "the document does not say where the API is; set `base_url`", absent="base_url")
        return None
    return url.rstrip("/"), write_tools(chosen)


def _check_schemes(where: ConfigPath, settings: HttpApi, api: Api, findings: Findings) -> None:
    schemes = {scheme.name for tool in api.tools for way in tool.security for scheme in way}
    for name, value in settings.credentials.items():
        if name not in schemes:
            findings.error((*where, "credentials", name), f"no scheme of this name is used; {nearest(name, schemes)}")
        if not value.reveal().isprintable() or not value.reveal().isascii():
            findings.error((*where, "credentials", name), "the value cannot be sent in a header")


def _check_server(where: ConfigPath, server: ServerSettings, findings: Findings) -> None:
    if (server.url is not None) + bool(server.command) + (server.openapi is not None) != 1:
        findings.error(where, "set either `url` or `command` or `openapi`")
    elif server.openapi is not None and (
        server.auth == "oauth" or server.transport != "auto" or server.per_user or server.args or server.env
    ):
        findings.error(where, "with `openapi`, `headers` and `openapi.credentials` are how Asbru authenticates")
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
