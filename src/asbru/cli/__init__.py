"""Floor 8: the commands people type, one file each. Nothing is computed here that another floor could answer.

Each command's module is imported only when that command runs, so that `asbru --help` is quick.
"""

from __future__ import annotations

import importlib
import sys

import click

from asbru import __version__

__all__ = ["commands", "main"]

_COMMANDS = {
    "serve": "Run the gateway.",
    "demo": "Run the gateway with a mock model and show one streamed reply.",
    "config": "Check a configuration, write an example, or print the JSON schema.",
    "mcp": "Print how to register the tools of MCP servers with agents.",
    "reprice": "Compute the costs of records again, from the prices that are configured now.",
    "records": "Show the records of calls.",
    "sessions": "Show the sessions of agents.",
    "tail": "Print records of calls as they are written.",
    "sample": "Write and remove a day of sample traffic.",
    "spend": "Show what calls cost, by team, model, day and more.",
    "cache": "Show and clear the cache of replies.",
    "secrets": "Change the key that encrypts secrets in the database.",
    "version": "Print the version.",
}
_OBJECTS = {
    "customers": "Owners of teams and keys.",
    "teams": "Owners of keys.",
    "keys": "Virtual keys.",
    "limits": "Limits of providers, models and providers' keys.",
    "providers": "Providers and their keys.",
    "prices": "Prices of models.",
    "fallbacks": "Other targets for calls that fail.",
    "mcp-servers": "MCP servers.",
    "mcp-groups": "Named lists of tools.",
    "mcp-rules": "Rules on arguments of tools.",
    "routing-rules": "Other targets for calls for which a condition holds.",
    "guardrails": "Rules on what requests and replies contain.",
}
"""Kinds of objects of the management API, whose commands are alike."""
_WITH_MORE = ("guardrails",)
"""Those that have commands besides, in a module of their own."""


def commands() -> dict[str, click.Command]:
    """Every command by name, loaded."""
    return {name: _load(name) for name in (*_COMMANDS, *_OBJECTS)}


def _load(name: str) -> click.Command:
    if name in _OBJECTS and name not in _WITH_MORE:
        return importlib.import_module("asbru.cli.objects").command_for(name)
    found = importlib.import_module(f"asbru.cli.{name}").command
    assert isinstance(found, click.Command)
    return found


class _Lazy(click.Group):
    """Commands by module name; their help texts stand here, so that listing them imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS, *_OBJECTS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS and cmd_name not in _OBJECTS:
            return None
        return _load(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))
        with formatter.section("Over the management API"):
            formatter.write_dl(list(_OBJECTS.items()))


@click.version_option(__version__, "--version", message="asbru %(version)s", help="Print the version.")
@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def _asbru() -> None:
    """Asbru: an AI gateway. One endpoint between applications or agents and every model provider."""


def main() -> None:
    """The `asbru` command: errors go to stderr in one line, without a traceback."""
    try:
        _asbru(prog_name="asbru")
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        click.echo(f"asbru: {error}", err=True)
        sys.exit(1)
