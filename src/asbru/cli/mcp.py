"""`asbru mcp connect`: the line by which each agent is told of this gateway's tools. `asbru mcp preview`: the tools
that a document of an HTTP API would become.

Nothing is changed and nobody is asked: what is printed can be copied. The key is printed only where it was given; else
the line reads it from the environment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from asbru.cli.api import print_items, url_option

ENV_NAME: Final = "ASBRU_API_KEY"


def _claude(name: str, url: str, key: str) -> str:
    shown = key or f"${ENV_NAME}"
    return f'claude mcp add --transport http {name} {url} --header "Authorization: Bearer {shown}"'


def _codex(name: str, url: str, key: str) -> str:
    before = f"export {ENV_NAME}={key}; " if key else ""
    return f"{before}codex mcp add {name} --url {url} --bearer-token-env-var {ENV_NAME}"


def _gemini(name: str, url: str, key: str) -> str:
    shown = key or f"${ENV_NAME}"
    return f'gemini mcp add --transport http {name} {url} --header "Authorization: Bearer {shown}"'


def _cursor(name: str, url: str, key: str) -> str:
    shown = key or f"${{env:{ENV_NAME}}}"
    server = f'{{"url": "{url}", "headers": {{"Authorization": "Bearer {shown}"}}}}'
    return f'in ~/.cursor/mcp.json: {{"mcpServers": {{"{name}": {server}}}}}'


AGENTS: Final[Mapping[str, Callable[[str, str, str], str]]] = {
    "claude": _claude,
    "codex": _codex,
    "gemini": _gemini,
    "cursor": _cursor,
}
"""What each agent is told: (name, URL, key or "") to the line."""


@click.group()
def command() -> None:
    """Use the tools of MCP servers."""


@command.command()
@click.argument("agent", type=click.Choice(tuple(AGENTS)), required=False)
@url_option
@click.option("--server", help="Only the tools of this server or group. [default: all that the key may use]")
@click.option("--key", default="", help=f"Virtual key to put into the line. [default: read from {ENV_NAME}]")
@click.option("--name", help="Name under which the agent knows it. [default: asbru, or that of the server]")
def connect(agent: str | None, *, url: str, server: str | None, key: str, name: str | None) -> None:
    """Print the line that registers this gateway with AGENT, or with each.

    The tools of servers with `code_mode: true` are reached by the same line: four tools stand for all of them.
    """
    address = f"{url.rstrip('/')}/mcp" + (f"/{server}" if server else "")
    for one in (agent,) if agent else tuple(AGENTS):
        line = AGENTS[one](name or server or "asbru", address, key)
        click.echo(line if agent else f"{one}:\n  {line}")


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--operation",
    "patterns",
    multiple=True,
    help="Only operations that match, where `*` stands for any text; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the definitions of the tools.")
def preview(file: Path, *, patterns: tuple[str, ...], as_json: bool) -> None:
    """Show the tools that FILE, an OpenAPI document or a Postman collection, would become."""
    from asbru.app.api_documents import choose, previewed, read_document
    from asbru.mcp.openapi import DocumentError

    try:
        api = read_document(file.read_text(encoding="utf-8"))
    except (DocumentError, OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}") from None
    chosen, idle = choose(api, patterns or ("*",))
    if idle and patterns:
        named = ", ".join(f"'{one}'" for one in idle)
        raise click.ClickException(f"{file}: no operation fits {named}; without --operation, all are shown")
    shown = previewed(api, chosen)
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    click.echo(f"{api.title or file.name}: {api.url or 'no address: set base_url'}")
    print_items(shown["tools"], ("name", "method", "path", "description"), as_json=False)
    for skipped in api.skipped:
        click.echo(f"left out: {skipped}", err=True)
