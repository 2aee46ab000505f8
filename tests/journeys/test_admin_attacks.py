"""The management API under attack: credentials, sessions, bodies and races that somebody who means harm would try."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.management import SETUP_TOKEN, Managed, managed

from asbru.admin.access import csrf_of
from asbru.governance.patterns import Patterns
from asbru.routing.rules import check_rule

PASSWORD = "correct horse battery"
CPU_S_MAX = 2.0


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API with an administrator, ann."""
    with managed(tmp_path) as one:
        body = {"token": SETUP_TOKEN, "name": "ann", "password": PASSWORD}
        one.ask("POST", "setup", body, role=None, status=201)
        yield one


def log_in(api: Managed, name: str = "ann", **headers: str) -> str:
    """The session that a log-in begins."""
    answer = api.call("POST", "session", {"name": name, "password": PASSWORD}, role=None, **headers)
    assert answer.status in (200, 201)
    return answer.headers["set-cookie"].partition("asbru_session=")[2].partition(";")[0]


def as_session(session: str) -> dict[str, str]:
    """The headers of a page in a session."""
    return {"cookie": f"asbru_session={session}", "x-asbru-csrf": csrf_of(session)}


def test_a_session_is_never_one_that_was_brought_along(api: Managed) -> None:
    """Fixation: a cookie that was there before the log-in is not the session after it, and stays worthless."""
    planted = "x" * 43
    session = log_in(api, cookie=f"asbru_session={planted}")
    assert session != planted and session != log_in(api)
    assert api.call("GET", "me", role=None, **as_session(planted)).status == 401


@pytest.mark.parametrize("change", ["password", "role", "deleted", "log out"])
def test_a_stolen_session_ends_with_what_it_stands_for(api: Managed, change: str) -> None:
    """With the user's password, role or existence, and with the log-out."""
    api.ask("POST", "users", {"name": "bob", "password": PASSWORD, "role": "editor"}, status=201)
    stolen = log_in(api, "bob")
    assert api.call("GET", "me", role=None, **as_session(stolen)).status == 200
    if change == "password":
        api.ask("PATCH", "users/bob", {"password": PASSWORD + "!"})
    elif change == "role":
        api.ask("PATCH", "users/bob", {"role": "viewer"})
    elif change == "deleted":
        api.ask("DELETE", "users/bob", status=204)
    else:
        api.ask("DELETE", "session", role=None, status=204, **as_session(stolen))
    assert api.call("GET", "me", role=None, **as_session(stolen)).status == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("teams", {"name": "t", "created_ms": 1}),
        ("keys", {"name": "k", "digest": "00"}),
        ("keys", {"name": "k", "origin": "file"}),
        ("users", {"name": "u", "password": PASSWORD, "hash": "x"}),
        ("users", {"name": "u", "password": PASSWORD, "is_admin": True}),
        ("tokens", {"name": "t", "role": "viewer", "digest": "00"}),
    ],
)
def test_members_that_are_not_the_callers_to_set(api: Managed, path: str, body: dict[str, Any]) -> None:
    """Mass assignment: refused by name, and nothing is made."""
    assert api.call("POST", path, body).status in (400, 422)
    assert api.call("GET", f"{path}/{body['name']}").status in (404, 405)


def test_what_an_object_is_read_with_is_not_written(api: Managed) -> None:
    """An object may be sent back as it was read; its version and its id are not taken from there."""
    made = api.ask("POST", "teams", {"name": "t", "id": "x", "version": 9, "source": "file"}, status=201)
    assert (made["version"], made["source"]) == (1, "api")


def test_a_role_cannot_lift_itself(api: Managed) -> None:
    """Whoever may not change users and tokens gets no more by them, by any way to write."""
    api.ask("POST", "users", {"name": "bob", "password": PASSWORD, "role": "editor"}, status=201)
    mine = as_session(log_in(api, "bob"))
    for method, path, body in (
        ("PATCH", "users/bob", {"role": "admin"}),
        ("PUT", "users/bob", {"name": "bob", "role": "admin"}),
        ("POST", "users", {"name": "eve", "password": PASSWORD, "role": "admin"}),
        ("POST", "tokens", {"name": "mine", "role": "admin"}),
    ):
        assert api.call(method, path, body, role=None, **mine).status in (403, 405), (method, path)
    assert api.ask("GET", "me", role=None, **mine)["role"] == "editor"


def test_two_admins_cannot_remove_each_other(api: Managed) -> None:
    """However their requests meet, an admin is left; so it is with updates of one object, of which one wins."""
    for turn in range(5):
        api.call("POST", "users", {"name": "bob", "password": PASSWORD, "role": "admin"})
        api.call("PATCH", "users/ann", {"role": "admin"})
        removed = api.call_at_once("PATCH", *((f"users/{name}", {"role": "viewer"}) for name in ("ann", "bob")))
        assert [one.status for one in removed] != [200, 200], turn
        users = api.ask("GET", "users")
        assert any(user["role"] == "admin" for user in users.get("items", users.get("data", [])))
    api.ask("POST", "teams", {"name": "blue"}, status=201)
    etag = api.call("GET", "teams/blue").headers["etag"]
    budgets = [{"budgets": [{"amount_usd": amount, "window": "1d"}]} for amount in (1, 2, 3, 4)]
    won = api.call_at_once("PATCH", *(("teams/blue", one) for one in budgets), if_match=etag)
    assert sorted(one.status for one in won) == [200, 412, 412, 412]


HOSTILE_VALUES: tuple[Any, ...] = (
    "x" * 100_000, "\u0000", "\ud800", "../../etc/passwd", "'; DROP TABLE users; --", "${jndi:ldap://x}", -1, 10**400,
    [[]] * 1000, {"a": {}}, True, None, float("1e308"),
)  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE_VALUES, ids=range(len(HOSTILE_VALUES)))
def test_hostile_values_are_refused_or_kept_as_they_are(api: Managed, value: Any) -> None:
    """Never 500, wherever they stand."""
    for path, body in (
        ("teams", {"name": value}),
        ("teams", {"name": "t", "customer": value}),
        ("keys", {"name": "k", "models": [value]}),
        ("keys", {"name": "k", "expires_at": value}),
        ("users", {"name": value, "password": value}),
        ("session", {"name": value, "password": value}),
    ):
        status = api.call("POST", path, body).status
        assert 200 <= status < 500, (path, status)
    for query in ("teams?limit=99999999999999999999", "teams?cursor=%00", "teams?q=%25%25"):
        path, _, _ = query.partition("?")
        assert api.call("GET", query).status < 500, path


def test_depth_has_an_end(api: Managed) -> None:
    """A body nested without end is refused."""
    assert 400 <= api.call("POST", "teams", b'{"name":' * 50_000).status < 500
    assert 400 <= api.call("POST", "teams", b"[" * 1_000_000).status < 500


@pytest.mark.parametrize(
    "text",
    [
        "!" * 900 + "true", "(" * 450 + "true" + ")" * 450, "-" * 900 + "1 == 1", '"' * 999, "'" + "\\" * 998,
        " || ".join(["model == 'x'"] * 60), "[" * 450 + "]" * 450, "true ? " * 60 + "true" + " : false" * 60,
        "model.contains(" * 50 + "'x'" + ")" * 50, "size('" + "x" * 900 + "') * " * 1 + "9223372036854775807 > 1",
        "[1].all(x, [1].all(y, true))", "model.matches('(a+)+$')",
    ],
)  # fmt: skip
def test_a_condition_ends(text: str) -> None:
    """Whatever an editor of rules writes is judged, and judges, in little time."""
    began_s = time.process_time()
    check_rule(text)
    assert time.process_time() - began_s < CPU_S_MAX


@pytest.mark.parametrize("expression", ["(a|aa|aaa){1,9}", "a*a*", ".*a.*", "(?i)a*b*", "[a-z]*[a-m]*", "(a|b)*c"])
def test_an_expression_that_is_taken_ends(expression: str) -> None:
    """Names that callers choose for it cost little, as long as a name may be."""
    try:
        patterns = Patterns([f"regex:{expression}"])
    except ValueError:
        return  # refused, which is as good
    began_s = time.process_time()
    for name in ("a" * 240 + "!", "ab" * 120, "a" * 100_000):
        patterns.fit("p", name)
    assert time.process_time() - began_s < CPU_S_MAX
