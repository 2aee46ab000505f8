"""`asbru config export`, `diff` and `apply`: the objects of the management API as one document.

    {"customers": [{"name": "acme", ...}], "teams": [...], ..., "keys": [...],
     "settings": [{"name": "limits.body_bytes_max", "value": 1000000}, ...]}

Sections are kinds, an object is what the API takes. `apply` makes what is missing and changes the members that the
document names; it deletes nothing. What the configuration file declares is no part of it, and neither are keys of the
playground, which are temporary and their users' own.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO, cast

import click

from asbru.cli.api import Api, url_option
from asbru.objects import hide

KINDS = (
    "customers",
    "teams",
    "providers",
    "prices",
    "limits",
    "fallbacks",
    "mcp-servers",
    "mcp-groups",
    "mcp-rules",
    "keys",
    "routing-rules",
    "guardrails",
)
"""In the order in which objects name each other."""
SETTINGS = "settings"
_PLAYGROUND = "playground"
"""The tag of keys of the playground."""
_SHOWN_ONLY = ("id", "source", "version", "changed_ms")

Document = dict[str, list[dict[str, Any]]]


class Step(NamedTuple):
    """What has to be done for one object. `object_id` None: it is to be made. `before`: of the members that change."""

    kind: str
    name: str
    object_id: str | None
    members: dict[str, Any]
    before: dict[str, Any]


def steps(api: Api, document: Document) -> Iterator[Step]:
    """What `apply` would do, kind by kind."""
    for kind in KINDS:
        wanted = document.get(kind, [])
        if not wanted:
            continue
        there = {_name(kind, one): one for one in api.items(kind)}
        for one in wanted:
            name = _name(kind, one)
            found = there.get(name)
            if found is None:
                yield Step(kind, name, None, one, {})
                continue
            changed = {member: one[member] for member in one if found.get(member) != one[member]}
            if changed:
                yield Step(kind, name, str(found["id"]), changed, {member: found.get(member) for member in changed})
    yield from _setting_steps(api, document.get(SETTINGS, []))


def _setting_steps(api: Api, wanted: list[dict[str, Any]]) -> Iterator[Step]:
    there = {one["path"]: one for one in api.ask("GET", SETTINGS)["items"]} if wanted else {}
    for one in wanted:
        name, value = str(one.get("name")), one.get("value")
        before = there.get(name, {}).get("value")
        if value != before:  # one that is not known is refused by the API
            yield Step(SETTINGS, name, name, {"value": value}, {"value": before})


def _name(kind: str, one: dict[str, Any]) -> str:
    """What tells an object of a kind from the others: the members that its id is made of."""
    if kind == "fallbacks":
        return str(one.get("from"))
    if kind == "limits":
        return f"{one.get('scope')}/{one.get('name')}"
    if kind == "routing-rules":
        return "/".join(
            str(part) for part in (one.get("scope") or "global", one.get("owner"), one.get("name")) if part
        )
    return str(one.get("name"))


def _read(file: TextIO) -> Document:
    try:
        document: object = json.load(file)
    except ValueError as error:
        raise click.ClickException(f"not JSON: {error}") from error
    known = (*KINDS, SETTINGS)
    unknown = sorted(set(cast("dict[str, Any]", document)) - set(known)) if isinstance(document, dict) else ["?"]
    if unknown:
        raise click.ClickException(f"expected an object with some of {', '.join(known)}; got {', '.join(unknown)}")
    for kind, wanted in cast("dict[str, Any]", document).items():
        if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in cast("list[Any]", wanted)):
            raise click.ClickException(f"{kind}: expected a list of objects")
    return cast("Document", document)


def _shown(kind: str, members: dict[str, Any]) -> dict[str, Any]:
    """Members with masks in place of secrets: what is printed is kept in logs."""
    from asbru.app.stored_objects import STORED_KINDS  # loads what most commands do not use

    fields = next((one.secret_fields for one in STORED_KINDS if f"{one.kind.replace('_', '-')}s" == kind), ())
    shown = copy.deepcopy(members)
    hide(shown, fields)
    return shown


@click.command()
@url_option
def export(*, url: str) -> None:
    """Print the objects of the management API as JSON; masks stand for their secrets."""
    api = Api(url)
    exported = {
        kind: [
            {member: one[member] for member in one if member not in _SHOWN_ONLY}
            for one in api.items(kind)
            if one["source"] == "api" and not (kind == "keys" and _PLAYGROUND in one.get("tags", {}))
        ]
        for kind in KINDS
    }
    settings = api.ask("GET", SETTINGS)["items"]
    exported[SETTINGS] = [{"name": one["path"], "value": one["value"]} for one in settings if one["source"] == "api"]
    click.echo(json.dumps(exported, indent=2))


@click.command()
@click.argument("file", type=click.File())
@url_option
def diff(*, file: TextIO, url: str) -> None:
    """Print what `apply` would do with a document; exit 1 if it would do anything."""
    found = False
    for step in steps(Api(url), _read(file)):
        found = True
        members = _shown(step.kind, step.members)
        if step.object_id is None:
            click.echo(f"+ {step.kind} {step.name}: {json.dumps(members)}")
        for member in members if step.object_id is not None else ():
            before, after = json.dumps(step.before[member]), json.dumps(members[member])
            click.echo(f"~ {step.kind} {step.name}: {member}: {before} -> {after}")
    if found:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("file", type=click.File())
@url_option
def apply(*, file: TextIO, url: str) -> None:
    """Create and change objects as a document says; delete none. The values of new keys are printed, only this once."""
    api = Api(url)
    for step in steps(api, _read(file)):
        if step.kind == SETTINGS:
            api.ask("PATCH", SETTINGS, {step.name: step.members["value"]})
            click.echo(f"changed {SETTINGS} {step.name}")
        elif step.object_id is None:
            made = api.ask("POST", step.kind, step.members)
            value = f": {made['value']}" if "value" in made else ""
            click.echo(f"made {step.kind} {step.name}{value}")
        else:
            api.ask("PATCH", f"{step.kind}/{step.object_id}", step.members)
            click.echo(f"changed {step.kind} {step.name}")
