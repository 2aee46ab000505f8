"""`asbru keys`, `teams`, `customers` and the like: the same commands for every kind of objects of the management API.

Members are given as `name=value`, the value as JSON or, where it is none, as text. Nothing is checked here.
"""

from __future__ import annotations

import json
from typing import Any

import click

from asbru.cli.api import Api, json_option, print_items, url_option

COLUMNS: dict[str, tuple[str, ...]] = {
    "customers": ("id", "source", "budgets", "rate_limits"),
    "teams": ("id", "source", "customer", "budgets", "rate_limits"),
    "keys": ("id", "source", "active", "team", "customer", "models", "expires_at"),
    "limits": ("id", "source", "budgets", "rate_limits"),
    "providers": ("id", "source", "type", "dialect", "base_url"),
    "prices": ("id", "source", "input", "output"),
    "fallbacks": ("id", "source", "to"),
    "mcp-servers": ("id", "source", "url", "command", "enabled"),
    "mcp-groups": ("id", "source", "tools"),
    "mcp-rules": ("id", "source", "tools", "when"),
    "routing-rules": ("id", "source", "priority", "enabled", "when"),
    "guardrails": ("id", "source", "enabled", "action", "places", "checks"),
}
"""What a list shows, by kind."""


class Member(click.ParamType[tuple[str, Any]]):
    """`name=value`."""

    name = "member=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """The name and the value."""
        name, equals, text = str(value).partition("=")
        if not name or not equals:
            self.fail(f"expected NAME=VALUE, got {value!r}", param, ctx)
        try:
            return name, json.loads(text)
        except ValueError:
            return name, text


def command_for(noun: str) -> click.Group:
    """The commands of a kind."""

    @click.group(name=noun, help=f"List, show, create, set and delete {noun} over the management API.")
    def group() -> None:
        pass

    @group.command("list")
    @click.option("--search", default="", help="Only ids that contain this text.")
    @json_option
    @url_option
    def list_all(*, search: str, as_json: bool, url: str) -> None:
        """List every object, by id."""
        print_items(list(Api(url).items(noun, search=search)), COLUMNS[noun], as_json=as_json)

    @group.command("show")
    @click.argument("object_id")
    @url_option
    def show(*, object_id: str, url: str) -> None:
        """Print one object as JSON."""
        _echo(Api(url).ask("GET", f"{noun}/{object_id}"))

    @group.command("create")
    @click.argument("members", nargs=-1, required=True, type=Member())
    @url_option
    def create(*, members: tuple[tuple[str, Any], ...], url: str) -> None:
        """Create an object from members such as `name=blue`, and print it as JSON."""
        _echo(Api(url).ask("POST", noun, dict(members)))

    @group.command("set")
    @click.argument("object_id")
    @click.argument("members", nargs=-1, required=True, type=Member())
    @url_option
    def change(*, object_id: str, members: tuple[tuple[str, Any], ...], url: str) -> None:
        """Change the given members; `null` resets one to its default."""
        _echo(Api(url).ask("PATCH", f"{noun}/{object_id}", dict(members)))

    @group.command("delete")
    @click.argument("object_id")
    @url_option
    def delete(*, object_id: str, url: str) -> None:
        """Delete an object that no other object refers to."""
        Api(url).ask("DELETE", f"{noun}/{object_id}")

    if noun == "keys":
        group.add_command(_rotate)
    return group


@click.command("rotate")
@click.argument("key_name")
@click.option(
    "--grace-s",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seconds for which the old value still works.",
)
@url_option
def _rotate(*, key_name: str, grace_s: int, url: str) -> None:
    """Give a key a new value, and print it."""
    _echo(Api(url).ask("POST", f"keys/{key_name}/rotate", {"grace_s": grace_s}))


def _echo(answer: object) -> None:
    click.echo(json.dumps(answer, indent=2))
