"""The one place where something is changed: who -> may they -> write, note it, tell the feed, in one transaction.

    actor -> refuse -> [compile it dry] -> transaction { write, note, feed } -> announce

One change at a time; a database that is locked is waited for, then the change is refused whole. Reading is not here,
but `refuse` is asked before every route.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import msgspec

from asbru.admin.declared_file import DeclaredFile
from asbru.cluster import Entry, stored
from asbru.core.errors import BadRequest, Forbidden, Overloaded
from asbru.identity import Accounts, Actor
from asbru.objects import Change, ObjectStore
from asbru.secrets import Keyring, SecretStore
from asbru.storage import Database, RowError, StorageError
from asbru.telemetry import log

T = TypeVar("T")

LOCKED_S_MAX = 2.0
"""How long a locked database is waited for."""
_LOCKED_PAUSE_S = 0.05


class Announce(Protocol):
    """Told after each change: whether the feed has changed, and whether the snapshot has to be compiled anew."""

    async def __call__(self, *, feed: bool, snapshot: bool) -> None: ...


class Check(Protocol):
    """Asks what the snapshot would be, without changing anything. Sections: the stored objects with their secrets."""

    async def __call__(self, sections: dict[str, list[dict[str, Any]]]) -> list[str]:
        """What is wrong with it, compiled dry; [] for nothing."""
        ...

    async def ask_provider(self, sections: dict[str, list[dict[str, Any]]], provider: str) -> list[str]:
        """What is wrong with a provider of it, as it answers now."""
        ...


class Deed:
    """One change under way. `entries`: what workers are to be told; `compiled`: the snapshot depends on it."""

    def __init__(self, act: Act, actor: Actor) -> None:
        self.database = act.database
        self.objects = act.objects
        self.secrets = act.secrets
        self.accounts = act.accounts
        self.actor = actor
        self.now_ms = act.now_ms()
        self.entries: list[Entry] = []
        self.compiled = False

    def note(self, action: str, kind: str, object_id: str, *, before: str = "", after: str = "") -> None:
        """Write down what is done. Bodies hold masks only."""
        self.objects.note(Change(self.now_ms, self.actor.name, action, kind, object_id, before, after))


class Act:
    """See the module. `keyring` is loaded for each change, in its transaction."""

    def __init__(
        self,
        database: Database,
        *,
        keyring: Callable[[], Keyring],
        pepper: bytes,
        declared: DeclaredFile,
        announce: Announce,
        check: Check,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self.database = database
        self.objects = ObjectStore(database)
        self.secrets = SecretStore(database)
        self.accounts = Accounts(database)
        self.keyring = keyring
        self.pepper = pepper
        self.declared = declared
        self.check = check
        self._announce = announce
        self._unix_time = unix_time
        self._turn = asyncio.Lock()

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return int(self._unix_time() * 1000)

    async def perform(
        self,
        actor: Actor,
        needed: str,
        write: Callable[[Deed], T],
        *,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> T:
        """Do what `write` does, whole or not at all. `needed`: a permission, "" for what everybody may. `before` is
        awaited first, in the same turn: nobody else writes between the two. Raises what either raises, `Forbidden`, and
        `Overloaded` when the database cannot be written."""
        refuse(actor, needed)
        async with self._turn:
            if before is not None:
                await before()
            deed, done = await self._write(actor, write)
        if deed.entries or deed.compiled:
            await self._announce(feed=bool(deed.entries), snapshot=deed.compiled)
        return done

    async def _write(self, actor: Actor, write: Callable[[Deed], T]) -> tuple[Deed, T]:
        ends_s = time.monotonic() + LOCKED_S_MAX
        while True:
            deed = Deed(self, actor)
            try:
                with self.database.transaction():
                    done = write(deed)
                    if deed.entries:
                        stored.save_entries(self.database, deed.entries)
                return deed, done
            except RowError as error:
                raise BadRequest(f"the object cannot be stored: {error}", status=422) from error
            except StorageError as error:
                if time.monotonic() >= ends_s:
                    raise unwritable(error) from error
            await asyncio.sleep(_LOCKED_PAUSE_S)


def refuse(actor: Actor, needed: str) -> None:
    """Raise `Forbidden` unless the actor has the permission."""
    if not actor.may(needed):
        role = f"the role '{actor.role.name}'" if actor.role.name else "a role that does not exist any more"
        raise Forbidden(f"this needs the permission '{needed}', but '{actor.name}' has {role}")


def said(**members: str) -> str:
    """What a change notes of what was before, or is after it."""
    return msgspec.json.encode(members).decode()


def unwritable(error: StorageError) -> Overloaded:
    """The refusal when the database does not do its part."""
    log("error", "the management API cannot use the database", why=error)
    return Overloaded(
        "the database cannot be used at the moment; nothing was changed", code="unavailable", retry_after_s=1
    )
