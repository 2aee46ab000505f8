"""The management API put together: kinds of objects and accounts over one `Act`, as routers and as one application.

It knows every noun, and nothing of processes; what only those know comes as routers of rooms above.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fastapi import APIRouter, FastAPI

from asbru.admin import accounts, history, kinds, live_test, nouns, overview, playground, spending, standing
from asbru.admin.access import let_in
from asbru.admin.act import Act
from asbru.admin.application import build_application
from asbru.admin.objects import Objects
from asbru.admin.virtual_keys import Rotation, VirtualKeys
from asbru.core.secret_text import SecretText

OWNERS: tuple[kinds.Kind, ...] = (kinds.CUSTOMERS, kinds.TEAMS, kinds.LIMITS)
SHAPES = (Rotation, *overview.BODIES, playground.PlaygroundKey, standing.Standings)
"""What requests and responses of the other routes hold."""


class Management:
    """See the module. `compiled`: the kinds that the snapshot is made of, which are declared by rooms above;
    `database_url`: where records are."""

    def __init__(
        self,
        act: Act,
        setup_token: SecretText,
        *,
        database_url: str,
        compiled: Sequence[kinds.Kind] = (),
        secure: bool = False,
    ) -> None:
        self._act = act
        self._database_url = database_url
        self._plain = (*OWNERS, *compiled)
        by_kind = {kind.kind: kind for kind in (*self._plain, kinds.KEYS)}
        self.keys = VirtualKeys(act, by_kind)
        self._objects = [Objects(act, kind, by_kind) for kind in self._plain]
        self._playground = playground.Playground(act, self.keys.objects)
        self._accounts = accounts.AccountRoutes(act, setup_token, secure=secure)

    def application(self, more: Iterable[APIRouter], version: str) -> FastAPI:
        """The application, with `more` routers."""
        routers = [nouns.build_router(objects) for objects in self._objects]
        routers += [live_test.build_router(self._act, objects) for objects in self._objects if objects.kind.asked]
        routers += [self.keys.build_router(), self._accounts.build_router()]
        routers += [history.build_router(self._act, self._database_url), spending.build_router(self._database_url)]
        routers.append(overview.build_router(self._database_url))
        owners = {one.kind.kind: one for one in (*self._objects, self.keys.objects)}
        routers += [standing.build_router(owners, self._database_url, self._act.now_ms)]
        routers += [self._playground.build_router()]
        routers += more
        described = {kind.body.__name__: kind.schema for kind in self._plain if kind.schema is not None}
        bodies = [kind.body for kind in (*self._plain, kinds.KEYS) if kind.schema is None]
        application = build_application(
            routers, version, bodies=[*bodies, *SHAPES, *accounts.BODIES], described=described
        )
        let_in(application.state, self._act.accounts)
        return application

    def needs_setup(self) -> bool:
        """Whether nobody can log in yet."""
        return not self._act.accounts.has_users()
