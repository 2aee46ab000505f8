"""The management API put together: kinds of objects and accounts over one `Act`, as routers and as one application.

It knows every noun, and nothing of processes; what only those know comes as routers of rooms above.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from fastapi import APIRouter, FastAPI

from asbru.admin import (
    account_shapes,
    accounts,
    api_preview,
    cache,
    guardrail_hits,
    guardrail_trial,
    history,
    kinds,
    live_test,
    model_list,
    nouns,
    overview,
    passwords,
    playground,
    provider_types,
    record_shapes,
    records,
    role_routes,
    rule_trial,
    sample,
    sessions,
    settings,
    spending,
    standing,
    status,
    system,
    token_routes,
    tool_list,
    tool_servers,
    user_routes,
)
from asbru.admin.access import let_in
from asbru.admin.act import Act
from asbru.admin.application import build_application
from asbru.admin.objects import Objects
from asbru.admin.observed import Observed, Unobserved
from asbru.admin.ui_pages import UiPages
from asbru.admin.virtual_keys import Rotation, VirtualKeys
from asbru.catalog.listing import ListedModel
from asbru.core.secret_text import SecretText
from asbru.records.tail import live

OWNERS: tuple[kinds.Kind, ...] = (kinds.CUSTOMERS, kinds.TEAMS, kinds.LIMITS)
SHAPES = (
    Rotation,
    *cache.SHAPES,
    *overview.BODIES,
    *record_shapes.BODIES,
    playground.PlaygroundKey,
    sample.SampleState,
    standing.Standings,
    ListedModel,
    *provider_types.SHAPES,
    *role_routes.SHAPES,
    *guardrail_hits.SHAPES,
    *sessions.SHAPES,
    *guardrail_trial.SHAPES,
    *rule_trial.SHAPES,
    *settings.SHAPES,
    *system.SHAPES,
    *tool_list.SHAPES,
    *tool_servers.SHAPES,
    *api_preview.SHAPES,
)
"""What requests and responses of the other routes hold."""


class Management:
    """See the module. `compiled`: the kinds that the snapshot is made of, which are declared by rooms above;
    `database_url`: where records are; `observed`: the running processes; `tail`: what follows records;
    `clear_cache`: clears the cache."""

    def __init__(
        self,
        act: Act,
        setup_token: SecretText,
        *,
        database_url: str,
        compiled: Sequence[kinds.Kind] = (),
        secure: bool = False,
        observed: Observed | None = None,
        tail: live.LiveTail | None = None,
        clear_cache: cache.ClearCache = cache.clear_nothing,
    ) -> None:
        self._clear_cache = clear_cache
        self._observed = observed or Unobserved()
        self._act = act
        self._tail = tail
        self.sample = sample.SampleDay(database_url, act.now_ms)
        self._database_url = database_url
        self._plain = (*OWNERS, *compiled)
        by_kind = {kind.kind: kind for kind in (*self._plain, kinds.KEYS, settings.SETTINGS)}
        self.keys = VirtualKeys(act, by_kind)
        self._objects = [Objects(act, kind, by_kind) for kind in self._plain]
        self._playground = playground.Playground(act, self.keys.objects)
        self._settings = settings.Settings(act, Objects(act, settings.SETTINGS, by_kind))
        hashed = passwords.Passwords(act.accounts)
        self._accounts = accounts.AccountRoutes(act, hashed, setup_token, secure=secure)
        self._users = user_routes.UserRoutes(act, hashed)

    def application(self, more: Iterable[APIRouter], version: str) -> FastAPI:
        """The application, with `more` routers."""
        trials = [
            guardrail_trial.GuardrailTrial(objects) for objects in self._objects if objects.kind.kind == "guardrail"
        ]
        routers = [one.build_router() for one in trials]  # before the names of rules
        routers.append(guardrail_hits.build_router(self._database_url))
        routers += [nouns.build_router(objects) for objects in self._objects]
        routers += [live_test.build_router(self._act, objects) for objects in self._objects if objects.kind.asked]
        routers += [self.keys.build_router(), self._accounts.build_router(), self._users.build_router()]
        routers.append(token_routes.TokenRoutes(self._act).build_router())
        secret_fields = {kind.kind: kind.secret_fields for kind in self._plain}
        routers += [history.build_router(self._act, secret_fields), spending.build_router(self._database_url)]
        routers += [overview.build_router(self._database_url), records.build_router(self._database_url, self._tail)]
        owners = {one.kind.kind: one for one in (*self._objects, self.keys.objects)}
        standings = standing.Standing(owners, self._database_url, self._act.now_ms)
        routers += [standings.build_router(), sessions.build_router(self._database_url, standings)]
        if "routing_rule" in owners:
            trial = rule_trial.RuleTrial(owners, self._observed, standings, self._database_url)
            routers.append(trial.build_router())
        if "mcp_group" in owners:
            routers.append(tool_list.build_router(self._act, owners, self._playground))
        routers += [self._playground.build_router(), model_list.Models(self._observed).build_router()]
        routers.append(cache.build_router(self._act, self._observed, self._database_url, self._clear_cache))
        routers += [self._settings.build_router(), role_routes.RoleRoutes(self._act).build_router()]
        started_at = datetime.now(UTC)
        routers += [
            status.build_router(version, started_at),
            system.build_router(
                self._observed,
                self._act.declared,
                self._database_url,
                version=version,
                started_at=started_at,
                now_ms=self._act.now_ms,
            ),
        ]
        provider = next((kind for kind in self._plain if kind.kind == "provider"), None)
        routers += [self.sample.build_router(), provider_types.build_router(provider and provider.schema)]
        routers += more
        described = {kind.body.__name__: kind.schema for kind in self._plain if kind.schema is not None}
        bodies = [kind.body for kind in (*self._plain, kinds.KEYS) if kind.schema is None]
        application = build_application(
            routers,
            version,
            bodies=[*bodies, *SHAPES, *account_shapes.BODIES],
            described=described,
            pages=UiPages().routes(),
        )
        let_in(application.state, self._act.accounts, self._act.objects, self._act.declared)
        return application

    def needs_setup(self) -> bool:
        """Whether nobody can log in yet."""
        return not self._act.accounts.has_users()
