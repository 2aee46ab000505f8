"""Users, sessions, tokens and the first start."""

from __future__ import annotations

import pytest
from tests.fakes.management import SETUP_TOKEN, Managed

from asbru.admin import passwords
from asbru.identity import Accounts, User, is_password
from asbru.storage import open_database

PASSWORD = "correct horse battery"


def set_up(api: Managed) -> str:
    """The first admin, `ann`; the token that this gives."""
    body = {"token": SETUP_TOKEN, "name": "ann", "password": PASSWORD}
    return str(api.ask("POST", "setup", body, role=None, status=201)["token"])


def log_in(api: Managed, name: str = "ann", password: str = PASSWORD) -> dict[str, str]:
    """The headers of a new session."""
    answer = api.call("POST", "session", {"name": name, "password": password}, role=None)
    assert answer.status == 200, answer
    return {"cookie": answer.headers["set-cookie"].partition(";")[0], "x-asbru-csrf": answer.json()["csrf"]}


def test_a_password_that_changes_during_the_log_in_begins_no_session(
    api: Managed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checking a password takes time; one that was taken back meanwhile opens nothing."""
    set_up(api)

    def slow(password_hash: str, password: str) -> bool:
        known = is_password(password_hash, password)
        database = open_database(api.url)
        with database.transaction():
            Accounts(database).save_user(User("ann", "admin", 1), "another")
        database.close()
        return known

    monkeypatch.setattr(passwords, "is_password", slow)
    answer = api.call("POST", "session", {"name": "ann", "password": PASSWORD}, role=None)
    assert answer.status == 401 and "set-cookie" not in answer.headers
    assert api.database.run("SELECT count(*) FROM sessions") == [(0,)]


def test_the_set_up_token_makes_one_admin(api: Managed) -> None:
    """Once; a wrong token makes none, and is slowed down; a short password is refused."""
    assert api.management.needs_setup() and api.ask("GET", "setup", role=None) == {"needed": True}
    body = {"token": SETUP_TOKEN, "name": "ann", "password": "short"}
    assert api.call("POST", "setup", body, role=None).status == 422
    assert api.call("POST", "setup", {**body, "password": PASSWORD, "token": "x"}, role=None).status == 401
    token = set_up(api)
    assert not api.management.needs_setup() and api.ask("GET", "setup", role=None) == {"needed": False}
    me = api.ask("GET", "me", role=None, authorization=f"Bearer {token}")
    assert (me["name"], me["role"], me["via"], me["expires_ms"]) == ("token/setup", "admin", "token", None)
    again = {"token": SETUP_TOKEN, "name": "eve", "password": PASSWORD}
    assert api.call("POST", "setup", again, role=None).status == 409
    statuses = [api.call("POST", "setup", {**again, "token": "x"}, role=None).status for _ in range(6)]
    assert statuses[-1] == 429


def test_a_session_from_log_in_to_log_out(api: Managed) -> None:
    """A cookie that scripts cannot read and other sites do not send; logged out, it is nobody's."""
    set_up(api)
    answer = api.call("POST", "session", {"name": "ann", "password": PASSWORD}, role=None)
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/api", "max-age=43200"))
    assert "secure" not in cookie and PASSWORD not in answer.body.decode()
    behind_tls = api.call(
        "POST", "session", {"name": "ann", "password": PASSWORD}, role=None, x_forwarded_proto="https"
    )
    assert "secure" in behind_tls.headers["set-cookie"].lower()
    session = log_in(api)
    me = api.ask("GET", "me", role=None, **session)
    assert (me["csrf"], me["via"], me["scope"]) == (session["x-asbru-csrf"], "session", {"kind": "all"})
    assert me["expires_ms"] == api.act.now_ms() + 12 * 3600 * 1000 and "keys:write" in me["permissions"]
    api.ask("DELETE", "session", role=None, status=204, **session)
    assert api.call("GET", "me", role=None, **session).status == 401


def test_guessing_is_slowed_down(api: Managed) -> None:
    """A wrong password and an unknown name look alike; after five the right one has to wait too, and no other user."""
    set_up(api)
    api.ask("POST", "users", {"name": "bob", "password": PASSWORD}, status=201)
    answers = [api.call("POST", "session", {"name": name, "password": "x"}, role=None) for name in ("ann", "eve")]
    assert answers[0].status == answers[1].status == 401 and answers[0].body == answers[1].body
    for _ in range(4):
        api.call("POST", "session", {"name": "ann", "password": "x"}, role=None)
    late = api.call("POST", "session", {"name": "ann", "password": PASSWORD}, role=None)
    assert (late.status, late.error["code"]) == (429, "too_many_attempts") and int(late.headers["retry-after"]) >= 1
    log_in(api, "bob")


def test_users_are_the_admin_s(api: Managed) -> None:
    """Made, changed (which ends their sessions), deleted; there is always an admin."""
    set_up(api)
    api.ask("POST", "users", {"name": "bob", "password": PASSWORD, "role": "editor"}, status=201)
    assert api.call("POST", "users", {"name": "bob", "password": PASSWORD}).status == 409
    session = log_in(api, "bob")
    api.ask("PATCH", "users/bob", {"role": "viewer"})
    assert api.call("GET", "me", role=None, **session).status == 401
    api.ask("PATCH", "users/bob", {"password": "another password"})
    log_in(api, "bob", "another password")
    for method, body in (("DELETE", None), ("PATCH", {"role": "viewer"})):
        refused = api.call(method, "users/ann", body)
        assert (refused.status, refused.error["code"]) == (403, "last_admin")
    api.ask("PATCH", "users/bob", {"role": "admin"})
    api.ask("DELETE", "users/ann", status=204)
    assert [one["name"] for one in api.ask("GET", "users")["items"]] == ["bob"]
    api.ask("DELETE", "users/ann", status=404)
    notes = repr(api.act.objects.load_changes(limit=50))
    assert "another password" not in notes and "argon2" not in notes


def test_tokens_are_the_admin_s(api: Managed) -> None:
    """A value is told once and has the role that was given; deleted or expired, it is refused."""
    made = api.ask("POST", "tokens", {"name": "ci", "role": "viewer", "expires_in_s": 60}, status=201)
    bearer = {"authorization": f"Bearer {made['value']}"}
    me = api.ask("GET", "me", role=None, **bearer)
    assert (me["name"], me["role"], me["expires_ms"]) == ("token/ci", "viewer", api.act.now_ms() + 60_000)
    assert "keys:read" in me["permissions"] and "keys:write" not in me["permissions"] and "csrf" not in me
    assert api.call("POST", "teams", {"name": "x"}, role=None, **bearer).status == 403
    assert made["value"] not in api.call("GET", "tokens").body.decode()
    assert api.call("POST", "tokens", {"name": "ci"}).status == 409
    api.now_s += 61
    assert api.call("GET", "me", role=None, **bearer).status == 401
    api.ask("DELETE", "tokens/ci", status=204)
    api.ask("DELETE", "tokens/ci", status=404)


def bearer_of(api: Managed, name: str, role: str = "admin", **by: str) -> dict[str, str]:
    """A new token, made by whoever `by` is: a session, a token, or the tests' own admin."""
    how = {"role": None, **by} if by else {}
    value = api.ask("POST", "tokens", {"name": name, "role": role}, status=201, **how)["value"]
    return {"authorization": f"Bearer {value}"}


def statuses(api: Managed, *bearers: dict[str, str]) -> list[int]:
    """How each is answered."""
    return [api.call("GET", "me", role=None, **bearer).status for bearer in bearers]


def test_tokens_end_with_the_user_who_made_them(api: Managed) -> None:
    """And what was made by them; the history tells it. Those of others stay."""
    set_up(api)
    api.ask("POST", "users", {"name": "bob", "password": PASSWORD, "role": "admin"}, status=201)
    first = bearer_of(api, "first", **log_in(api, "bob"))
    second = bearer_of(api, "second", **first)
    other = bearer_of(api, "other")
    assert statuses(api, first, second, other) == [200, 200, 200]
    api.ask("DELETE", "users/bob", status=204)
    assert statuses(api, first, second, other) == [401, 401, 200]
    api.ask("POST", "users", {"name": "bob", "password": PASSWORD, "role": "admin"}, status=201)
    assert statuses(api, first, second) == [401, 401]
    told = [(one.action, one.id) for one in api.act.objects.load_changes(limit=50) if one.kind == "token"]
    assert ("delete", "first") in told and ("delete", "second") in told


def test_tokens_end_when_their_maker_could_not_make_them(api: Managed) -> None:
    """By another role, or when the role loses something; what the maker may still give away stays. A deleted token
    takes along what it made."""
    set_up(api)
    api.ask("POST", "users", {"name": "bob", "password": PASSWORD, "role": "admin"}, status=201)
    session = log_in(api, "bob")
    strong, weak = bearer_of(api, "strong", **session), bearer_of(api, "weak", "viewer", **session)
    api.ask("PATCH", "users/bob", {"role": "editor"})
    assert statuses(api, strong, weak) == [401, 200]
    api.role("ops", ["tokens:write", "keys:read", "keys:write"])
    api.role("keys", ["keys:read", "keys:write"])
    ops = bearer_of(api, "ops", "ops")
    keys = bearer_of(api, "keys", "keys", **ops)
    api.ask("PATCH", "roles/ops", {"permissions": ["tokens:write", "keys:read"]})
    assert statuses(api, ops, keys) == [200, 401]
    root = bearer_of(api, "root")
    below = bearer_of(api, "below", **root)
    api.ask("DELETE", "tokens/root", status=204)
    assert statuses(api, root, below) == [401, 401]


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "a"}, {"name": "", "password": PASSWORD}, {"name": "a", "password": "x" * 300}, {"name": 1}, []],
    ids=range(6),
)
def test_bodies_that_make_no_sense(api: Managed, body: object) -> None:
    """400 or 422 from every route that takes one, and nobody is made."""
    for path in ("setup", "session", "users"):
        assert api.call("POST", path, body).status in (400, 422)
    assert api.ask("GET", "users")["items"] == []


def test_ones_own_password(api: Managed) -> None:
    """Whoever is logged in may change it, a viewer too, with the one there was; every other session ends."""
    set_up(api)
    api.ask("POST", "users", {"name": "vic", "password": PASSWORD, "role": "viewer"}, status=201)
    first, second = log_in(api, "vic"), log_in(api, "vic")
    body = {"current": PASSWORD, "password": "another long password"}
    wrong = api.call("POST", "me/password", {**body, "current": "guess"}, role=None, **first)
    assert wrong.status == 422 and "current" in wrong.body.decode()
    assert api.call("POST", "me/password", {**body, "password": "short"}, role=None, **first).status == 422
    without = {"cookie": first["cookie"]}
    assert api.call("POST", "me/password", body, role=None, **without).status == 403
    answer = api.call("POST", "me/password", body, role=None, **first)
    assert answer.status == 200 and body["password"] not in answer.body.decode()
    third = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
    statuses = [api.call("GET", "me", role=None, **one).status for one in (first, second, third)]
    assert statuses == [401, 401, 200]
    log_in(api, "vic", body["password"])
    assert api.call("POST", "session", {"name": "vic", "password": PASSWORD}, role=None).status == 401
    assert PASSWORD not in str(api.ask("GET", "changes"))


def test_a_token_has_no_password(api: Managed) -> None:
    """It says what to do instead."""
    body = {"current": PASSWORD, "password": "another long password"}
    assert api.call("POST", "me/password", body, role="admin").status == 409


def test_where_one_is_logged_in(api: Managed) -> None:
    """The own sessions, with the program and the time; each is ended by its id, others' are not; a session is listed
    by nothing that opens it."""
    set_up(api)
    api.ask("POST", "users", {"name": "vic", "password": PASSWORD}, status=201)
    others = log_in(api, "vic")
    api.now_s += 5
    first = log_in(api)
    api.now_s += 5
    body = {"name": "ann", "password": PASSWORD}
    answer = api.call("POST", "session", body, role=None, user_agent="Firefox/" + "9" * 400)
    second = {"cookie": answer.headers["set-cookie"].partition(";")[0], "x-asbru-csrf": answer.json()["csrf"]}
    listed = api.ask("GET", "me/sessions", role=None, **second)["items"]
    assert [one["current"] for one in listed] == [True, False]
    assert listed[0]["agent"].startswith("Firefox/999") and len(listed[0]["agent"]) == 256
    assert listed[0]["began_ms"] == api.act.now_ms() and listed[1]["began_ms"] == api.act.now_ms() - 5000
    assert all(second["cookie"].partition("=")[2] not in str(one) for one in listed)
    theirs = api.ask("GET", "me/sessions", role=None, **others)["items"][0]["id"]
    for strange in (theirs, "0" * 16):
        assert api.call("DELETE", f"me/sessions/{strange}", role=None, **second).status == 404
    assert api.call("GET", "me", role=None, **others).status == 200
    api.ask("DELETE", f"me/sessions/{listed[1]['id']}", role=None, status=204, **second)
    statuses = [api.call("GET", "me", role=None, **one).status for one in (first, second)]
    assert statuses == [401, 200]


def test_logged_out_everywhere_else(api: Managed) -> None:
    """The session of the request goes on, all others of the user end, other users' go on."""
    set_up(api)
    api.ask("POST", "users", {"name": "vic", "password": PASSWORD}, status=201)
    others, first, second = log_in(api, "vic"), log_in(api), log_in(api)
    api.ask("DELETE", "me/sessions", role=None, status=204, **first)
    statuses = [api.call("GET", "me", role=None, **one).status for one in (others, first, second)]
    assert statuses == [200, 200, 401]
    assert api.ask("GET", "changes", query="kind=user")["items"][0]["action"] == "log_out"


def test_a_token_has_no_sessions(api: Managed) -> None:
    """The list is empty, and nothing is ended by it, not even a user of its name."""
    api.ask("POST", "users", {"name": "token", "password": PASSWORD}, status=201)
    session = log_in(api, "token")
    assert api.ask("GET", "me/sessions")["items"] == []
    api.ask("DELETE", "me/sessions", status=204)
    assert api.call("DELETE", "me/sessions/0123456789abcdef").status == 404
    assert api.call("GET", "me", role=None, **session).status == 200


def test_a_user_that_was_changed_meanwhile_is_not_overwritten(api: Managed) -> None:
    """`If-Match` with another version refuses the change and the deletion; a new password is a change."""
    set_up(api)
    api.ask("POST", "users", {"name": "vic", "password": PASSWORD}, status=201)
    seen = api.call("GET", "users/vic").headers["etag"]
    changed = api.call("PATCH", "users/vic", {"password": "another long password"}, if_match=seen)
    assert (changed.status, changed.headers["etag"], changed.json()["version"]) == (200, '"2"', 2)
    for method, body in (("PATCH", {"role": "admin"}), ("DELETE", None)):
        late = api.call(method, "users/vic", body, if_match=seen)
        assert (late.status, late.error["code"]) == (412, "version_mismatch")
    assert [one["role"] for one in api.ask("GET", "users")["items"] if one["name"] == "vic"] == ["viewer"]
    api.ask("PATCH", "users/vic", {"role": "editor"}, if_match='"2"')
    api.ask("DELETE", "users/vic", status=204)
    assert api.call("POST", "users", {"name": "vic", "password": PASSWORD}).headers["etag"] == '"4"'
    assert api.call("GET", "users/nobody").status == 404
