"""Objects of any kind: listed, shown, made, changed, deleted. What the file declares is shown beside what is stored,
and is not changed here; where both have an object of one id, the file's counts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from asbru.admin.act import Act, Deed
from asbru.admin.kinds import Kind
from asbru.admin.reach import Reach
from asbru.cluster import Entry
from asbru.core.errors import BadRequest, Conflict, NotFound
from asbru.identity import Actor
from asbru.objects import Reference, StoredObject, hide, kept, put_back, sent_to, take_out

ID_CHARS_MAX = 512
OBJECTS_MAX = 100_000
"""Of one kind."""
USERS_NAMED_MAX = 10
"""Of the objects that keep one from being deleted."""
_META = ("id", "source", "version", "changed_ms")
"""Members that are shown beside a body's own, and passed over when they come back."""

Body = dict[str, Any]


class Shown(NamedTuple):
    """An object as it is shown. `version`: 0 for one of the file."""

    members: Body
    version: int


class Page(NamedTuple):
    """`next`: the id after which the next page begins; None on the last one."""

    items: list[Body]
    next: str | None


class Filter(NamedTuple):
    """`refers_to`: only objects that name this one."""

    after: str = ""
    limit: int = 100
    search: str = ""
    refers_to: Reference | None = None


class Objects:
    """The objects of one kind. `kinds`: every kind, for what an object names. `entries`: what workers are told of an
    object, where its kind alone does not say. `on_delete`: what goes with it."""

    def __init__(
        self,
        act: Act,
        kind: Kind,
        kinds: Mapping[str, Kind],
        *,
        entries: Callable[[Deed, Any], Sequence[Entry]] | None = None,
        on_delete: Callable[[Deed, str], None] | None = None,
    ) -> None:
        self.kind = kind
        self._writing = f"{kind.noun}:write"
        self._act = act
        self._kinds = kinds
        self._own_entries = entries
        self._on_delete = on_delete

    # Reading

    def list(self, asked: Filter, reach: Reach | None = None) -> Page:
        """A page of objects, by id; those in reach."""
        declared = self._declared()
        found = [
            _show_declared(self.kind, object_id, body)
            for object_id, body in declared.items()
            if object_id > asked.after
            and asked.search in object_id
            and self._names(body, asked.refers_to)
            and (reach is None or reach.sees(self.kind.kind, object_id, body, declared=True))
        ]
        stored = self._act.objects.load_page(
            self.kind.kind,
            after=asked.after,
            limit=asked.limit + 1,
            search=asked.search,
            refers_to=asked.refers_to,
            within=None if reach is None else reach.within(self.kind.kind),
        )
        found += [self._show(one).members for one in stored if one.id not in declared]
        found.sort(key=lambda members: str(members["id"]))
        page = found[: asked.limit]
        # What is stored goes on when its page was full, even if the file's hid some of it.
        more = len(found) > asked.limit or len(stored) > asked.limit
        return Page(page, str(page[-1]["id"]) if more and page else None)

    def load(self, object_id: str, reach: Reach | None = None) -> Shown:
        """One object; raises `NotFound`, also for one that is out of reach."""
        self._refuse_unseen(object_id, reach)
        declared = self._declared().get(object_id)
        if declared is not None:
            return Shown(_show_declared(self.kind, object_id, declared), 0)
        return self._show(self._stored(object_id))

    def read(self, object_id: str, reach: Reach | None = None) -> msgspec.Struct:
        """One object as its kind reads it; raises as `load` does."""
        self._refuse_unseen(object_id, reach)
        declared = self._declared().get(object_id)
        body = _read(self._stored(object_id)) if declared is None else _known_members(self.kind, declared)
        return self.kind.read(body)

    def read_all(self) -> dict[str, msgspec.Struct]:
        """All of them as their kind reads them, by id: for kinds of which there are few."""
        bodies = {one.id: _read(one) for one in self._act.objects.load_kind(self.kind.kind)}
        bodies |= {name: _known_members(self.kind, body) for name, body in self._declared().items()}
        return {name: self.kind.read(body) for name, body in bodies.items()}

    def exists(self, object_id: str) -> bool:
        """Whether there is one, declared or stored."""
        return object_id in self._declared() or self._act.objects.load(self.kind.kind, object_id) is not None

    # Writing

    async def create(self, actor: Actor, body: Body, also: Callable[[Deed, str], None] | None = None) -> Shown:
        """A new object; `also` is done in the same transaction, before workers are told."""
        body = _own(body)
        self.read_new(body)
        object_id = self.kind.id_of(body)
        if len(object_id) > ID_CHARS_MAX:
            raise BadRequest(f"the name is longer than {ID_CHARS_MAX} characters", status=422)
        reach = Reach(actor, self._act.objects)
        reach.refuse_move(self.kind.kind, object_id, {}, body)

        def write(deed: Deed) -> Shown:
            self.refuse_declared(object_id)
            if deed.objects.load(self.kind.kind, object_id) is not None:
                raise Conflict(f"there is a {self.kind.kind} '{object_id}' already")
            if deed.objects.count(self.kind.kind) >= OBJECTS_MAX:
                raise Conflict(f"there are {OBJECTS_MAX} {self.kind.noun} already, which is the maximum")
            if also is not None:
                also(deed, object_id)
            return self._save(deed, object_id, body, before=None)

        return await self._act.perform(actor, self._writing, write, before=self._checked(object_id, body))

    async def change(self, actor: Actor, object_id: str, patch: Body, version: int | None) -> Shown:
        """Change the members that `patch` names (JSON merge patch, RFC 7396: null removes one). `version`: refuse any
        other."""

        reach = Reach(actor, self._act.objects)

        def merged() -> tuple[StoredObject, Body]:
            self._refuse_unseen(object_id, reach)
            self.refuse_declared(object_id)
            before = self._stored(object_id)
            refuse_version(before.version, version)
            body = merge(_read(before), _own(patch))
            if self.kind.id_of(body) != object_id:
                raise BadRequest("the name of an object cannot be changed; create a new object", status=422)
            self.read_new(body)
            reach.refuse_move(self.kind.kind, object_id, _read(before), body)
            return before, body

        def write(deed: Deed) -> Shown:
            before, body = merged()
            return self._save(deed, object_id, body, before=before)

        async def check() -> None:
            await self._check(object_id, merged()[1])

        return await self._act.perform(actor, self._writing, write, before=check if self.kind.compiled else None)

    async def delete(self, actor: Actor, object_id: str, version: int | None) -> None:
        """Delete an object that nothing names."""
        reach = Reach(actor, self._act.objects)

        def write(deed: Deed) -> None:
            self._refuse_unseen(object_id, reach)
            self.refuse_declared(object_id)
            before = self._stored(object_id)
            refuse_version(before.version, version)
            self._refuse_in_use(object_id)
            self._remove(deed, before)

        await self._act.perform(actor, self._writing, write, before=self._checked(object_id, None))

    def remove(self, deed: Deed, object_id: str) -> None:
        """Delete an object within another change; nothing names it."""
        self._remove(deed, self._stored(object_id))

    def put(self, deed: Deed, object_id: str, body: Body) -> None:
        """Write an object, new or another version, within another change, and tell workers."""
        self._save(deed, object_id, body, before=deed.objects.load(self.kind.kind, object_id))

    def tell(self, deed: Deed, object_id: str) -> None:
        """Tell workers anew what an object is: what belongs to it has changed."""
        deed.entries += self._entries(deed, self.kind.read(_read(self._stored(object_id))))

    def _remove(self, deed: Deed, before: StoredObject) -> None:
        one = self.kind.read(_read(before))
        gone = [Entry(entry.kind, entry.id, None) for entry in self._entries(deed, one)]
        deed.entries += gone
        if self._on_delete is not None:
            self._on_delete(deed, before.id)
        deed.objects.delete(self.kind.kind, before.id)
        deed.secrets.delete(self.kind.kind, before.id)
        deed.compiled |= self.kind.compiled
        deed.note("delete", self.kind.kind, before.id, before=self._hidden(before))

    def read_new(self, body: Body) -> None:
        """Refuse what makes no sense. What is compiled may not refer to the environment or to files of the machine:
        that would show them to whoever names the provider they are sent to."""
        self.kind.read(body)
        if self.kind.compiled and (field := _reference_in(body)):
            raise BadRequest(f"{field}: only the configuration file may refer to `env.` and `file:`", status=422)

    def _entries(self, deed: Deed, one: msgspec.Struct) -> Sequence[Entry]:
        return self.kind.entries(one) if self._own_entries is None else self._own_entries(deed, one)

    def _save(self, deed: Deed, object_id: str, body: Body, *, before: StoredObject | None) -> Shown:
        one = self.kind.read(body)
        body = _copy(body)  # secrets are taken out of it
        references = self.kind.references(one)
        for reference in references:
            self._refuse_unknown(reference)
        if self.kind.secret_fields:
            self._save_secrets(deed, object_id, body)
        saved = StoredObject(
            self.kind.kind,
            object_id,
            before.version + 1 if before else deed.objects.first_version(self.kind.kind),
            msgspec.json.encode(body).decode(),
            deed.now_ms,
        )
        deed.objects.save(saved, references, deed.actor.name)
        deed.entries += self._entries(deed, one)
        deed.compiled |= self.kind.compiled
        action = "update" if before else "create"
        deed.note(action, self.kind.kind, object_id, before=self._hidden(before) if before else "", after=saved.body)
        return self._show(saved)

    def _save_secrets(self, deed: Deed, object_id: str, body: Body) -> None:
        """Seal the secrets of a body, in which masks stand afterwards."""
        keyring = self._act.keyring()
        known = self._known_secrets(object_id, body)
        secrets = take_out(body, self.kind.secret_fields, known)
        if secrets or known:
            deed.secrets.save(keyring, self.kind.kind, object_id, secrets)

    def _known_secrets(self, object_id: str, body: Body) -> Mapping[str, str]:
        """The stored secrets, which masks in `body` may keep. Where they would go elsewhere, none may: whoever may
        change an address would read them there."""
        stored = self._act.secrets.load(self._act.keyring(), self.kind.kind, object_id)
        before = self._act.objects.load(self.kind.kind, object_id)
        if before is None:
            return stored
        known = take_out(_read(before), self.kind.secret_fields, stored)  # also those that are not sealed yet
        if known and self._destination(_read(before), known) != self._destination(body, known):
            masked = next(iter(kept(body, self.kind.secret_fields)), "")
            if masked:
                raise BadRequest(
                    f"{masked}: the address that secrets are sent to changes; expected the secret itself, not its mask",
                    status=422,
                )
        return known

    def _destination(self, body: Body, known: Mapping[str, str]) -> object:
        """Where a body sends its secrets, which may be part of that."""
        whole = _copy(body)
        put_back(whole, self.kind.secret_fields, known)
        return sent_to(self.kind.show(whole), self.kind.sent_to)

    # What would be compiled

    def _checked(self, object_id: str, body: Body | None) -> Callable[[], Awaitable[None]] | None:
        return (lambda: self._check(object_id, body)) if self.kind.compiled else None

    async def _check(self, object_id: str, body: Body | None) -> None:
        """Refuse what would break the snapshot, with `body` in place of what is stored under its id."""
        sections = self.load_sections()
        section = [one for one in sections.get(self.kind.section, []) if self.kind.id_of(one) != object_id]
        if body is not None:
            known = self._known_secrets(object_id, body)
            whole = _copy(body)
            put_back(whole, self.kind.secret_fields, take_out(whole, self.kind.secret_fields, known))
            section.append(whole)
        problems = await self._act.check({**sections, self.kind.section: section})
        if problems:
            raise BadRequest("; ".join(problems), status=422)

    def load_sections(self) -> dict[str, list[Body]]:
        """The stored objects of every kind that the snapshot is compiled from, by section, with their secrets."""
        return load_sections(self._act, self._kinds.values())

    # What stands in the way

    def refuse_declared(self, object_id: str) -> None:
        """Raise `Conflict` for an object of the file."""
        if object_id in self._declared():
            file = self._act.declared.read().file or "the built-in defaults"
            raise Conflict(
                f"{self.kind.kind} '{object_id}' is declared in {file}; change it there", code="declared_in_file"
            )

    def _refuse_unknown(self, reference: Reference) -> None:
        if not Objects(self._act, self._kinds[reference.kind], self._kinds).exists(reference.id):
            raise BadRequest(f"there is no {reference.kind} '{reference.id}'", status=422)

    def _refuse_in_use(self, object_id: str) -> None:
        target = Reference(self.kind.kind, object_id)
        users = self._act.objects.referring_to(*target, USERS_NAMED_MAX + 1)
        users += [
            Reference(kind.kind, kind.id_of(body))
            for kind in self._kinds.values()
            for body in self._act.declared.read().sections.get(kind.section, [])
            if _refers(kind, body, target)
        ]
        if users:
            named = ", ".join(f"{kind} '{user}'" for kind, user in users[:USERS_NAMED_MAX])
            more = ", ..." if len(users) > USERS_NAMED_MAX else ""
            raise Conflict(f"{self.kind.kind} '{object_id}' is used by {named}{more}", code="in_use")

    def _refuse_unseen(self, object_id: str, reach: Reach | None) -> None:
        if reach is None or reach.is_whole:
            return
        declared = self._declared().get(object_id)
        body = _read(self._stored(object_id)) if declared is None else declared
        if not reach.sees(self.kind.kind, object_id, body, declared=declared is not None):
            raise _missing(self.kind, object_id)

    def _stored(self, object_id: str) -> StoredObject:
        found = self._act.objects.load(self.kind.kind, object_id)
        if found is None:
            raise _missing(self.kind, object_id)
        return found

    def _declared(self) -> dict[str, Body]:
        sections = self._act.declared.read().sections
        return {self.kind.id_of(body): body for body in sections.get(self.kind.section, [])}

    def _names(self, body: Body, target: Reference | None) -> bool:
        return target is None or _refers(self.kind, body, target)

    def _show(self, one: StoredObject) -> Shown:
        meta = {"id": one.id, "source": "api", "version": one.version, "changed_ms": one.changed_ms}
        body = _read(one)
        hide(body, self.kind.secret_fields)
        return Shown({**meta, **self.kind.show(body)}, one.version)

    def _hidden(self, one: StoredObject) -> str:
        """A body for a note: a secret that was stored before its field was one has no mask yet."""
        body = _read(one)
        hide(body, self.kind.secret_fields)
        return msgspec.json.encode(body).decode()


def _missing(kind: Kind, object_id: str) -> NotFound:
    return NotFound(f"there is no {kind.kind} '{object_id}'")


def load_sections(act: Act, kinds: Iterable[Kind]) -> dict[str, list[Body]]:
    """The stored objects that the snapshot is compiled from, by section, with their secrets."""
    sections: dict[str, list[Body]] = {}
    for kind in kinds:
        if kind.compiled:
            sections[kind.section] = [
                _whole(kind, one, act.secrets.load(act.keyring(), one.kind, one.id))
                for one in act.objects.load_kind(kind.kind)
            ]
    return sections


def merge(body: Body, patch: Mapping[str, Any]) -> Body:
    """A JSON merge patch (RFC 7396), applied."""
    merged = dict(body)
    for member, value in patch.items():
        if value is None:
            merged.pop(member, None)
        elif isinstance(value, dict):
            inner = merged.get(member)
            merged[member] = merge(inner if isinstance(inner, dict) else {}, cast("Body", value))  # pyright: ignore[reportUnknownArgumentType] -- JSON
        else:
            merged[member] = value
    return merged


def _whole(kind: Kind, one: StoredObject, secrets: Mapping[str, str]) -> Body:
    body = _read(one)
    put_back(body, kind.secret_fields, secrets)
    return body


def _refers(kind: Kind, body: Body, target: Reference) -> bool:
    """Whether a declared object names another; the file was checked, but holds members that are no part of a body."""
    return target in kind.references(kind.read(_known_members(kind, body)))


def _known_members(kind: Kind, body: Body) -> Body:
    known = {field.encode_name for field in msgspec.structs.fields(kind.body)}
    return {name: body[name] for name in body if name in known}


def refuse_version(found: int, asked: int | None) -> None:
    """Raise `BadRequest` (412) where a change is meant for another version than there is."""
    if asked is not None and asked != found:
        raise BadRequest(
            f"the object has version {found}, not {asked}; read it again before changing it",
            status=412,
            code="version_mismatch",
        )


def _reference_in(value: object, path: str = "") -> str:
    """Where in a body a text stands that the configuration would take for a reference; "" for nowhere."""
    if isinstance(value, str):
        return path if value.startswith(("env.", "file:")) else ""
    members: Iterable[tuple[object, object]] = ()
    if isinstance(value, dict):
        members = cast("dict[object, object]", value).items()
    elif isinstance(value, list):
        members = enumerate(cast("list[object]", value))
    return next(filter(None, (_reference_in(inner, f"{path}.{name}".lstrip(".")) for name, inner in members)), "")


def _show_declared(kind: Kind, object_id: str, body: Body) -> Body:
    return {"id": object_id, "source": "file", "version": 0, **body}


def _own(body: Body) -> Body:
    """A copy without what is only shown."""
    return {name: value for name, value in _copy(body).items() if name not in _META}


def _copy(body: Body) -> Body:
    return cast("Body", msgspec.json.decode(msgspec.json.encode(body)))


def _read(one: StoredObject) -> Body:
    return cast("Body", msgspec.json.decode(one.body))
