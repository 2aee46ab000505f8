"""Users, sessions and tokens in the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asbru.identity import Accounts, Actor, Token, User, accounts, roles
from asbru.storage import Database, RowError, open_database, sqlite_url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open one."""
    one = open_database(sqlite_url(tmp_path / "x.sqlite"))
    yield one
    one.close()


def test_a_session_ends(database: Database) -> None:
    """By its time, by logging out, with its user, and with a new password."""
    people = Accounts(database)
    ann = User("ann", "editor", 1)
    people.save_user(ann, "h1")
    value = people.begin_session("ann", 0)
    actor = people.actor_of_session(value, accounts.SESSION_MS - 1)
    assert actor is not None and (actor.name, actor.role.name) == ("user/ann", "editor")
    assert value not in repr(database.run("SELECT * FROM sessions"))
    assert people.actor_of_session(value, accounts.SESSION_MS) is None
    assert people.actor_of_session(value + "x", 0) is None
    people.end_session(actor.session)
    assert people.actor_of_session(value, 0) is None
    value = people.begin_session("ann", 0)
    people.save_user(User("ann", "viewer", 9), "h2")
    assert people.actor_of_session(value, 0) is None
    assert people.load_user("ann") == (User("ann", "viewer", 1, version=2), "h2")
    value = people.begin_session("ann", 0)
    people.delete_user("ann")
    assert people.actor_of_session(value, 0) is None and people.load_users() == []


def test_sessions_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that would end first goes; those that have ended are forgotten."""
    monkeypatch.setattr(accounts, "SESSIONS_MAX", 2)
    people = Accounts(database)
    people.save_user(User("ann", "admin", 1), "h")
    values = [people.begin_session("ann", at) for at in (10, 20, 30)]
    assert [people.actor_of_session(value, 40) is not None for value in values] == [False, True, True]
    people.begin_session("ann", 30 + accounts.SESSION_MS)
    assert database.run("SELECT count(*) FROM sessions") == [(1,)]


def test_a_token_is_told_once(database: Database) -> None:
    """Its value is not stored; a name is given once; it ends when it expires or is deleted."""
    people = Accounts(database)
    value = people.add_token(Token("ci", "viewer", "user/ann", 1, 100))
    assert value.startswith("sk-asb-admin-") and value not in repr(database.run("SELECT * FROM api_tokens"))
    assert people.actor_of_token(value, 99) == Actor("token/ci", roles.BUILT_IN["viewer"], expires_ms=100)
    assert people.actor_of_token(value, 100) is None
    with pytest.raises(RowError):
        people.add_token(Token("ci", "admin", "user/ann", 1, 0))
    forever = people.add_token(Token("ops", "admin", "user/ann", 1, 0))
    assert people.actor_of_token(forever, 10**15) is not None
    assert [token.name for token in people.load_tokens()] == ["ci", "ops"]
    people.delete_token("ops")
    assert people.actor_of_token(forever, 0) is None
