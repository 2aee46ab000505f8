"""What an actor's scope reaches: the one place that says which keys, teams, records and sums an actor sees and changes.

    scope   keys                       teams        customers   records and sums   routing rules
    all     all                        all          all         all                all
    team    of these teams             these        none        of these teams     global; of these teams and their keys
    own     that the actor created     none         none        of these keys      global; of these keys

Other kinds are not divided by owner. What is out of reach is as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from asbru.admin.declared_file import DeclaredFile
from asbru.core.errors import Forbidden
from asbru.identity import Actor
from asbru.objects import ObjectStore, Reference, Within

OWN_KEYS_MAX = 1000
"""Of an actor with the scope `own`; further ones are listed, but their records are out of reach."""
_DIVIDED = ("key", "team", "customer")
_RULE = "routing_rule"
_GLOBAL = "global"
"""The scope of rules that have no owner, which their ids begin with."""


class Column(NamedTuple):
    """Records and sums in reach: those whose `name` ("team" or "caller") is one of `values`."""

    name: str
    values: tuple[str, ...]


class Reach:
    """See the module. `objects`: for what the actor has created; `declared`: for what the file has instead of it."""

    def __init__(self, actor: Actor, objects: ObjectStore, declared: DeclaredFile | None = None) -> None:
        self._actor = actor
        self._scope = actor.scope
        self._objects = objects
        self._declared = declared

    @property
    def is_whole(self) -> bool:
        """Whether the scope is `all`."""
        return self._scope.kind == "all"

    @property
    def team(self) -> str | None:
        """The team of what the actor creates for itself; None for none."""
        return self._scope.teams[0] if self._scope.kind == "team" else None

    def own_keys(self) -> tuple[str, ...]:
        """The keys that the actor has created. A key of the file is nobody's, even where one of its name was stored
        before."""
        made = self._objects.load_made_by("key", self._actor.name, OWN_KEYS_MAX)
        declared = self._declared_keys()
        return tuple(name for name in made if name not in declared)

    def column(self) -> Column | None:
        """Which records and sums are in reach; None for all."""
        if self._scope.kind == "team":
            return Column("team", self._scope.teams)
        return Column("caller", self.own_keys()) if self._scope.kind == "own" else None

    def within(self, kind: str) -> Within | None:
        """Which stored objects of a kind are in reach; None for all."""
        if kind == _RULE and not self.is_whole:
            return self._rules_within()
        if self.is_whole or kind not in _DIVIDED:
            return None
        if self._scope.kind == "own":
            return Within(made_by=self._actor.name) if kind == "key" else Within()
        if kind == "key":
            return Within(refers_to=tuple(Reference("team", name) for name in self._scope.teams))
        return Within(ids=self._scope.teams) if kind == "team" else Within()

    def sees(self, kind: str, object_id: str, body: Mapping[str, Any], *, declared: bool = False) -> bool:
        """Whether an object is in reach; `declared`: by the file, which no actor has created."""
        if kind == _RULE and not self.is_whole:
            return self._sees_rule(body.get("scope") or _GLOBAL, body.get("owner"))
        if self.is_whole or kind not in _DIVIDED:
            return True
        if self._scope.kind == "own":
            return kind == "key" and not declared and self._objects.is_made_by("key", object_id, self._actor.name)
        if kind == "key":
            return body.get("team") in self._scope.teams
        return kind == "team" and object_id in self._scope.teams

    def _rules_within(self) -> Within:
        if self._scope.kind == "own":
            return Within(
                refers_to=tuple(Reference("key", name) for name in self.own_keys()), id_prefix=f"{_GLOBAL}/"
            )
        teams = tuple(Reference("team", name) for name in self._scope.teams)
        declared = (
            Reference("key", name) for name, team in self._declared_keys().items() if team in self._scope.teams
        )
        return Within(refers_to=(*teams, *declared), via="key", id_prefix=f"{_GLOBAL}/")

    def _sees_rule(self, scope: str, owner: str | None) -> bool:
        if scope == _GLOBAL:
            return True
        if self._scope.kind == "own":
            return scope == "virtual_key" and owner in self.own_keys()
        team = self._team_of(str(owner)) if scope == "virtual_key" else owner if scope == "team" else None
        return team in self._scope.teams

    def _team_of(self, key: str) -> str | None:
        declared = self._declared_keys()
        stored = None if key in declared else self._objects.load("key", key)
        return declared.get(key) if stored is None else msgspec.json.decode(stored.body).get("team")

    def _declared_keys(self) -> dict[str, str | None]:
        """The team of each key of the file."""
        sections = {} if self._declared is None else self._declared.read().sections
        return {str(one.get("name")): one.get("team") for one in sections.get("virtual_keys", ())}

    def refuse_move(self, kind: str, object_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Raise `Forbidden` where an object would be created for, or moved to, an owner out of reach; whoever has no
        such owner spends nobody's budget. Or where it would gain tools of MCP servers, which are about the whole
        gateway. `before`: {} for a new one; `after`: as its kind takes it."""
        if self.is_whole or kind not in _DIVIDED:
            return
        if kind == "key" and self._scope.kind == "team":
            fits = after.get("team") in self._scope.teams
        elif kind == "key":
            fits = all(after.get(owner) == before.get(owner) for owner in ("team", "customer"))
        else:
            # A new team would be nobody's, and so one that is deleted and made again would leave its customer's budget.
            known = kind == "team" and object_id in self._scope.teams and bool(before)
            fits = known and after.get("customer") == before.get("customer")
        if not fits:
            raise Forbidden(
                f"the scope '{self._scope.kind}' of '{self._actor.name}' does not reach the owner that this names",
                code="out_of_scope",
            )
        gained = sorted(set(after.get("mcp") or ()) - set(before.get("mcp") or ()))
        if gained:
            raise Forbidden(
                f"mcp: tools are granted by whoever has the scope 'all', but '{self._actor.name}' has "
                f"'{self._scope.kind}'; expected no more than before, got also '{gained[0]}'",
                code="out_of_scope",
            )
