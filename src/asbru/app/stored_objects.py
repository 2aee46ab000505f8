"""What the management API has stored of what the snapshot is compiled from: objects by section, joined to the file's.

An object of the file goes before a stored one of the same name. A stored object cannot keep Asbru from starting: where
the file has changed so that it makes no sense any more, it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import msgspec

from asbru.app.config import ConfigPath, Document, Problem
from asbru.objects import ObjectStore, put_back
from asbru.storage import DATABASE_NAME, Database, open_database, sqlite_url

if TYPE_CHECKING:
    from asbru.secrets import Keyring

Sections: TypeAlias = dict[str, list[dict[str, Any]]]


class StoredKind(NamedTuple):
    """`section`: where the file has such objects, with dots where that is within a section. `named_by`: the member that
    is its name, "" where the compiler compares. `secret_fields`: see `objects.take_out`."""

    kind: str
    section: str
    named_by: str
    secret_fields: tuple[str, ...] = ()
    mapped: bool = False
    """The file has a mapping in this place, by name."""
    value: str = ""
    """The member that the mapping has in place of the object; "": it has the whole."""


SETTINGS = "settings"
"""No section of the file: each of these is a setting by its path."""

STORED_KINDS = (
    StoredKind("provider", "providers", "name", ("keys.*.value", "headers.*", "proxy"), mapped=True),
    StoredKind("price", "prices", "name", mapped=True),
    StoredKind("fallback", "fallbacks", "from"),
    StoredKind("routing_rule", "routing_rules", ""),
    StoredKind(
        "mcp_server",
        "mcp.servers",
        "name",
        ("env.*", "headers.*", "client_secret", "openapi.credentials.*", "url?"),
        mapped=True,
    ),
    StoredKind("mcp_group", "mcp.groups", "name", mapped=True, value="tools"),
    StoredKind("mcp_rule", "mcp.rules", "name"),
    StoredKind("guardrail", "guardrails.rules", "name", ("credentials.*", "checks.*.*.headers.*", "checks.*.*.url?")),
    StoredKind("setting", SETTINGS, "name"),
)


OWNER_KINDS = ("customer", "team", "key")


def rule_id(body: Mapping[str, Any]) -> str:
    """The id of a stored rule: names are of an owner, or of no one."""
    parts = (body.get("scope") or "global", body.get("owner"), body.get("name"))
    return "/".join(str(part) for part in parts if part)


@dataclass
class Stored:
    """See the module. `has_keys`: whether any virtual key is stored that has a value without an end. `owners`: the kind
    and name of each that is stored."""

    sections: Sections = field(default_factory=dict[str, list[dict[str, Any]]])
    has_keys: bool = False
    owners: frozenset[tuple[str, str]] = frozenset()
    warnings: list[str] = field(default_factory=list[str])
    _places: dict[ConfigPath, tuple[str, dict[str, Any]]] = field(
        default_factory=dict[ConfigPath, tuple[str, dict[str, Any]]]
    )
    """Where in the document each object was put."""

    @property
    def places(self) -> frozenset[ConfigPath]:
        """Where in the document the objects are that are not the file's."""
        return frozenset(self._places)

    def merge_into(self, document: Document) -> None:
        """Add the objects to a document."""
        self._places = {}
        if not isinstance(document.data, dict):
            return
        data = cast("dict[str, Any]", document.data)
        for kind in STORED_KINDS:
            for one in self.sections.get(kind.section, ()):
                place = _put(data, kind, one)
                if place is not None:
                    self._places[place] = (kind.section, one)
                    named = one.get(kind.named_by) if kind.named_by else rule_id(one)
                    document.added[place] = (kind.section, str(named))

    def leave_out(self, problems: Iterable[Problem]) -> bool:
        """Leave out the objects that problems are about; whether there was one."""
        found = False
        for problem in problems:
            place = next((place for place in self._places if problem.path[: len(place)] == place), None)
            if place is not None:
                section, one = self._places.pop(place)
                self.sections[section] = [other for other in self.sections[section] if other is not one]
                self.warnings.append(f"an object of the management API is left out: {problem}")
                found = True
        return found


def load_stored(data_dir: Path, env: Mapping[str, str]) -> Stored:
    """All that is stored; the database is brought up to date first. Raises StorageError and NewerSchema, which a start
    does not survive: without its keys Asbru might be open to everyone."""
    path = data_dir / DATABASE_NAME
    if not path.exists():
        return Stored()
    database = open_database(sqlite_url(path))
    try:
        objects = ObjectStore(database)
        stored = Stored(
            has_keys=bool(database.run("SELECT 1 FROM key_values WHERE expires_ms = 0 LIMIT 1")),
            owners=frozenset((kind, name) for kind in OWNER_KINDS for name in objects.load_ids(kind)),
        )
        for kind in STORED_KINDS:
            keyring = partial(_keyring, data_dir, env)
            stored.sections[kind.section] = list(_load(database, kind, keyring, stored.warnings))
        return stored
    finally:
        database.close()


def _keyring(data_dir: Path, env: Mapping[str, str]) -> Keyring:
    from asbru.secrets import load_keyring  # slow to import, and needed by few

    return load_keyring(data_dir, env)


def _load(
    database: Database, kind: StoredKind, keyring: Callable[[], Keyring], warnings: list[str]
) -> Iterable[dict[str, Any]]:
    for one in ObjectStore(database).load_kind(kind.kind):
        body: dict[str, Any] = msgspec.json.decode(one.body)
        if kind.secret_fields:
            from asbru.secrets import KeyringError, SealError, SecretStore  # as above

            try:
                secrets = SecretStore(database).load(keyring(), kind.kind, one.id)
            except (SealError, KeyringError) as error:
                warnings.append(f"{kind.kind} '{one.id}' of the management API is left out: {error}")
                continue
            put_back(body, kind.secret_fields, secrets)
        yield body


def _put(data: dict[str, Any], kind: StoredKind, one: dict[str, Any]) -> ConfigPath | None:
    """Add an object to its section; None where the file has one of its name, or no such section can be."""
    if kind.section == SETTINGS:
        return _put_setting(data, one)
    outer, _, inner = kind.section.rpartition(".")
    if outer:
        return _put_inside(data, outer, kind._replace(section=inner), one)
    section: object = data.get(kind.section)
    if kind.mapped:
        held: object = {} if section is None else section
        name = str(one.get("name"))
        if not isinstance(held, dict) or name in held:
            return None
        members = {member: one[member] for member in one if member != "name"}
        data[kind.section] = {**held, name: members.get(kind.value, []) if kind.value else members}
        return (kind.section, name)
    listed: object = [] if section is None else section
    if not isinstance(listed, list):
        return None
    entries = cast("list[Any]", listed)
    named = [cast("dict[str, Any]", entry).get(kind.named_by) for entry in entries if isinstance(entry, dict)]
    if kind.named_by and one.get(kind.named_by) in named:
        return None
    data[kind.section] = [*entries, one]
    return (kind.section, len(entries))


def _put_inside(data: dict[str, Any], outer: str, kind: StoredKind, one: dict[str, Any]) -> ConfigPath | None:
    """Add an object to a list or mapping within a section."""
    held: object = data.get(outer) or {}
    if not isinstance(held, dict):
        return None
    section = {**cast("dict[str, Any]", held)}
    place = _put(section, kind, one)
    if place is not None:
        data[outer] = section
    return None if place is None else (outer, *place)


def _put_setting(data: dict[str, Any], one: dict[str, Any]) -> ConfigPath | None:
    """Set a setting; None where the file has it, or something else in place of its section."""
    section, _, name = str(one["name"]).partition(".")
    held: object = data.get(section) or {}
    if not isinstance(held, dict) or name in held:
        return None
    data[section] = {**held, name: one["value"]}
    return (section, name)
