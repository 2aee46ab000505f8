"""The kinds of objects that the management API keeps, as data: what a body is, what it is called, what it names.

    noun      the path, /api/v1/NOUN
    section   where the configuration file declares such objects
    id_of     of a body as JSON: the name, mostly; it does not change
    entries   what workers are told of an object; those of a virtual key also depend on its values, see `virtual_keys`
    sent_to   members that say where its secrets go: where one of them changes, stored secrets are not kept
    compiled  it is part of the snapshot
    asked     it can be asked whether it answers
    forms     what text must look like, in words, by the pattern that checks it
    named_by  kinds that bodies name in other members than one of that name, by which lists may be filtered
    schema    the body's JSON schema with its `$defs`, where msgspec makes none (defaults that are secrets)

Kinds whose bodies are declared by packages above are made there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from asbru.admin.wording import explain
from asbru.cluster import Entry
from asbru.core.errors import BadRequest
from asbru.core.secret_text import SecretText
from asbru.governance import declare
from asbru.governance.declared import FORMS, Access, Customer, Limited, ScopeLimits, Team
from asbru.objects import Reference


def _name_of(body: Mapping[str, Any]) -> str:
    return str(body.get("name", ""))


def _nothing(_: Any) -> tuple[Any, ...]:
    return ()


@dataclass(frozen=True)
class Kind:
    """See the module. `flaws`: what is wrong with a body beyond types and bounds. `secret_fields`: see
    `objects.take_out`."""

    noun: str
    kind: str
    body: type[msgspec.Struct]
    words: str
    section: str
    id_of: Callable[[Mapping[str, Any]], str] = _name_of
    references: Callable[[Any], tuple[Reference, ...]] = _nothing
    flaws: Callable[[Any], tuple[str, ...]] = _nothing
    entries: Callable[[Any], tuple[Entry, ...]] = _nothing
    secret_fields: tuple[str, ...] = ()
    sent_to: tuple[str, ...] = ()
    compiled: bool = False
    asked: bool = False
    forms: Mapping[str, str] = field(default_factory=lambda: FORMS)
    named_by: tuple[str, ...] = ()
    schema: Callable[[], dict[str, Any]] | None = None

    def read(self, body: Mapping[str, Any]) -> msgspec.Struct:
        """The object; raises `BadRequest` (422), which repeats no value."""
        try:
            one = msgspec.convert(body, self.body, dec_hook=conceal)
        except msgspec.ValidationError as error:
            raise BadRequest(explain(error, self.body, self.forms), status=422) from None
        flaws = self.flaws(one)
        if flaws:
            raise BadRequest("; ".join(flaws), status=422)
        return one

    def show(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A stored body with its defaults."""
        one = msgspec.convert(body, self.body, dec_hook=conceal)
        return cast("dict[str, Any]", msgspec.to_builtins(one, enc_hook=_reveal))


def conceal(kind: type, value: Any) -> SecretText:
    if kind is not SecretText or not isinstance(value, str):
        raise ValueError("expected text")
    return SecretText(value)


def _reveal(value: Any) -> str:
    """Of a body as it is stored, in which masks stand for secrets."""
    assert isinstance(value, SecretText)
    return value.reveal()


def _owner_flaws(one: Limited) -> tuple[str, ...]:
    return tuple(f"{'.'.join(map(str, flaw.path))}: {flaw.message}" for flaw in declare.flaws(one))


def _team_references(one: Team) -> tuple[Reference, ...]:
    return (Reference("customer", one.customer),) if one.customer else ()


def _key_references(one: Access) -> tuple[Reference, ...]:
    named = (("team", one.team), ("customer", one.customer))
    return tuple(Reference(kind, name) for kind, name in named if name)


def _owner_entry(entry: tuple[str, bytes]) -> tuple[Entry, ...]:
    return (Entry("owner", *entry),)


CUSTOMERS = Kind(
    "customers",
    "customer",
    Customer,
    "Owners of teams and keys.",
    "customers",
    flaws=_owner_flaws,
    entries=lambda one: _owner_entry(declare.customer_entry(one)),
)
TEAMS = Kind(
    "teams",
    "team",
    Team,
    "Owners of keys; a team may belong to a customer.",
    "teams",
    references=_team_references,
    flaws=_owner_flaws,
    entries=lambda one: _owner_entry(declare.team_entry(one)),
)
KEYS = Kind(
    "keys",
    "key",
    Access,
    "Virtual keys of callers. A value is shown only once, when it is created.",
    "virtual_keys",
    references=_key_references,
    flaws=_owner_flaws,
)
LIMITS = Kind(
    "limits",
    "limits",
    ScopeLimits,
    "Limits of a provider, a model or a provider's key, for all callers.",
    "governance.limits",
    id_of=lambda body: f"{body.get('scope')}/{body.get('name')}",
    flaws=_owner_flaws,
    entries=lambda one: _owner_entry(declare.scope_entry(one)),
)
