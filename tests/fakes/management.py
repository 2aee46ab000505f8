"""The management API without processes: over a database in a folder, asked in the test's own thread.

with managed(tmp_path) as api:
    api.ask("POST", "teams", {"name": "blue"}, status=201)
    api.told                                            # what was announced
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from fastapi import APIRouter
from tests.fakes.asgi import Answer, answer_of, ask

from asbru.admin import Act, DeclaredFile, Management
from asbru.admin.kinds import Kind
from asbru.admin.observed import Observed
from asbru.cluster import Entries, stored
from asbru.core.secret_text import SecretText
from asbru.governance import VIRTUAL_KEY, digest_of
from asbru.governance.entries import KeyEntry
from asbru.identity import Token, roles
from asbru.records import COLUMNS
from asbru.secrets import load_keyring
from asbru.storage import DATABASE_NAME, open_database, sqlite_url

PEPPER = b"p" * 32
SETUP_TOKEN = "the-token-of-the-log"


class Managed:
    """See the module. `now_s`: the time that is given; `problems`: what compiling dry finds."""

    def __init__(
        self,
        folder: Path,
        kinds: tuple[Kind, ...] = (),
        more: tuple[APIRouter, ...] = (),
        observed: Observed | None = None,
    ) -> None:
        self.now_s = 1_795_000_000.0
        self.told: list[tuple[bool, bool]] = []
        self.problems: list[str] = []
        self.checked: list[dict[str, list[dict[str, Any]]]] = []
        self.declared = folder / "shown.json"
        self.url = sqlite_url(folder / DATABASE_NAME)
        self.database = open_database(self.url)
        self.act = Act(
            self.database,
            keyring=lambda: load_keyring(folder, {}),
            pepper=PEPPER,
            declared=DeclaredFile(self.declared),
            announce=self._announce,
            check=self,
            unix_time=lambda: self.now_s,
        )
        self.management = Management(
            self.act, SecretText(SETUP_TOKEN), database_url=self.url, compiled=kinds, observed=observed
        )
        self.application = self.management.application(more, "1.2.3")
        self.application.state.unix_time = lambda: self.now_s
        self.tokens: dict[str, str] = {}

    def token(self, role: str) -> str:
        """A token with a role; made once."""
        if role not in self.tokens:
            with self.database.transaction():
                self.tokens[role] = self.act.accounts.add_token(Token(role, role, "test", 1, 0))
        return self.tokens[role]

    def role(self, name: str, permissions: Iterable[str], kind: roles.ScopeKind = "all", *teams: str) -> str:
        """A role that is not built in; its name."""
        role = roles.Role(name, tuple(sorted(permissions)), roles.Scope(kind, teams))
        with self.database.transaction():
            self.act.accounts.save_role(role, 1)
        return name

    def call(
        self, method: str, path: str, body: object = None, *, role: str | None = "admin", **headers: str
    ) -> Answer:
        """One request, by a token of a role."""
        data, given = self._written(body, role, headers)
        return ask(self.application, f"/api/v1/{path}", data, method=method, **given)

    def call_at_once(self, method: str, *asked: tuple[str, object], **headers: str) -> list[Answer]:
        """Requests (path, body) by admins, all under way together, as the control process has them: in one loop."""

        async def together() -> list[Answer]:
            written = [(path, *self._written(body, "admin", headers)) for path, body in asked]
            return await asyncio.gather(
                *(
                    answer_of(self.application, f"/api/v1/{path}", data, method=method, **given)
                    for path, data, given in written
                )
            )

        return asyncio.run(together())

    def _written(
        self, body: object, role: str | None, headers: dict[str, str]
    ) -> tuple[bytes | None, dict[str, str]]:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        given = dict(headers)
        if role is not None:
            given["authorization"] = f"Bearer {self.token(role)}"
        if data is not None:
            given["content_length"] = str(len(data))
        return data, given

    def ask(self, method: str, path: str, body: object = None, *, status: int = 200, **how: Any) -> Any:
        """One request whose status is asserted; its JSON."""
        answer = self.call(method, path, body, **how)
        assert answer.status == status, answer
        return answer.json() if answer.body else None

    def declare(self, **sections: list[dict[str, Any]]) -> None:
        """What the file declares."""
        fresh = self.declared.with_suffix(".new")
        fresh.write_text(json.dumps({"file": "/etc/asbru/config.yaml", "sections": sections}))
        fresh.replace(self.declared)

    def key_told(self, value: str) -> KeyEntry | None:
        """What workers know of a virtual key's value."""
        payload = self.feed().get(VIRTUAL_KEY, {}).get(digest_of(value.encode(), PEPPER))
        return None if payload is None else msgspec.msgpack.decode(payload, type=KeyEntry)

    def keep_record(self, **values: object) -> None:
        """The record of a call; what is not said is empty, zero or unknown."""
        row = [values.get(one.name, None if one.nullable else "" if one.kind == "text" else 0) for one in COLUMNS]
        self.database.run(f"INSERT INTO requests VALUES ({','.join('?' * len(row))})", row)

    def feed(self) -> Entries:
        """The store's layer."""
        return stored.read_everything(self.database).entries

    async def _announce(self, *, feed: bool, snapshot: bool) -> None:
        self.told.append((feed, snapshot))

    async def __call__(self, sections: dict[str, list[dict[str, Any]]]) -> list[str]:
        """What compiling dry finds."""
        self.checked.append(sections)
        return self.problems

    async def ask_provider(self, sections: dict[str, list[dict[str, Any]]], provider: str) -> list[str]:
        """What the provider's answer tells."""
        self.checked.append(sections)
        return [f"{provider} does not answer"] if self.problems else []


@contextmanager
def managed(
    folder: Path, *kinds: Kind, more: tuple[APIRouter, ...] = (), observed: Observed | None = None
) -> Iterator[Managed]:
    """See the module."""
    one = Managed(folder, kinds, more, observed)
    try:
        yield one
    finally:
        one.database.close()
