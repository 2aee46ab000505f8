"""Roles over the API: made, given, changed, and never more than one has oneself."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.management import Managed

PASSWORD = "correct horse battery"
KEYS = ["keys:read", "keys:write"]
PEOPLE = ["roles:read", "roles:write", "tokens:read", "tokens:write", "users:read", "users:write"]


def bearer(api: Managed, role: str) -> dict[str, Any]:
    """How to come by a new token of a role."""
    made = api.ask("POST", "tokens", {"name": f"t-{role}", "role": role}, status=201)
    return {"role": None, "authorization": f"Bearer {made['value']}"}


def test_a_role_is_made_given_changed_and_deleted(api: Managed) -> None:
    """A change holds at once for whoever has it; one that somebody has is not deleted; changes are noted."""
    made = api.ask("POST", "roles", {"name": "ops", "permissions": [*KEYS, "keys:read"]}, status=201)
    scope = {"kind": "all", "teams": []}
    assert made == {"name": "ops", "permissions": KEYS, "scope": scope, "built_in": False, "version": 1}
    how = bearer(api, "ops")
    assert api.call("GET", "keys", **how).status == 200 and api.call("GET", "teams", **how).status == 403
    me = api.ask("GET", "me", **how)
    assert (me["role"], me["permissions"], me["scope"]) == ("ops", KEYS, {"kind": "all"})
    api.ask("PATCH", "roles/ops", {"permissions": ["teams:read"]})
    assert api.call("GET", "keys", **how).status == 403 and api.call("GET", "teams", **how).status == 200
    refused = api.call("DELETE", "roles/ops")
    assert (refused.status, refused.error["code"]) == (409, "in_use") and "token/t-ops" in refused.error["message"]
    api.ask("DELETE", "tokens/t-ops", status=204)
    api.ask("DELETE", "roles/ops", status=204)
    assert [one["name"] for one in api.ask("GET", "roles")["items"]] == ["viewer", "editor", "admin"]
    actions = [one["action"] for one in api.ask("GET", "changes", query="kind=role")["items"]]
    assert actions == ["delete", "update", "create"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "admin"}, 409),
        ({"name": "Ops"}, 422),
        ({"name": "x", "permissions": ["keys:fly"]}, 422),
        ({"name": "x", "scope": {"kind": "team"}}, 422),
        ({"name": "x", "scope": {"kind": "own", "teams": ["a"]}}, 422),
        ({"name": "x", "permissions": ["users:write"], "scope": {"kind": "own"}}, 422),
        ({"name": "x", "permissions": ["system:read"], "scope": {"kind": "team", "teams": ["a"]}}, 422),
        ({"name": "x", "scope": {"kind": "world"}}, 422),
    ],
    ids=range(8),
)
def test_roles_that_make_no_sense(api: Managed, body: dict[str, Any], status: int) -> None:
    """Names that exist, unknown permissions, and scopes that do not divide what the role is to do."""
    assert api.call("POST", "roles", body).status == status
    assert len(api.ask("GET", "roles")["items"]) == 3


def test_built_in_roles_stay(api: Managed) -> None:
    """Neither changed nor deleted; an unknown one is 404, and cannot be given."""
    for method, body in (("PATCH", {"permissions": []}), ("DELETE", None)):
        refused = api.call(method, "roles/viewer", body)
        assert (refused.status, refused.error["code"]) == (409, "built_in")
        assert api.call(method, "roles/none", body).status == 404
    assert api.call("POST", "tokens", {"name": "t", "role": "none"}).status == 422
    assert api.call("POST", "users", {"name": "u", "password": PASSWORD, "role": "none"}).status == 422


def test_nobody_gives_away_more_than_the_own_role(api: Managed) -> None:
    """Whoever manages people without the rest makes no admin, no editor, takes over neither, and widens no role."""
    api.role("people", [*PEOPLE, "keys:read"])
    api.role("wide", ["keys:write"])
    api.ask("POST", "users", {"name": "ann", "password": PASSWORD, "role": "admin"}, status=201)
    api.ask("POST", "tokens", {"name": "strong", "role": "editor"}, status=201)
    how = bearer(api, "people")
    refused = [
        api.call("POST", "users", {"name": "eve", "password": PASSWORD, "role": "admin"}, **how),
        api.call("POST", "tokens", {"name": "eve", "role": "editor"}, **how),
        api.call("POST", "roles", {"name": "eve", "permissions": ["keys:write"]}, **how),
        api.call("PATCH", "roles/people", {"permissions": [*PEOPLE, "settings:write"]}, **how),
        api.call("PATCH", "roles/wide", {"permissions": []}, **how),
        api.call("DELETE", "roles/wide", **how),
        api.call("PATCH", "users/ann", {"password": "another password"}, **how),
        api.call("PATCH", "users/ann", {"role": "viewer"}, **how),
        api.call("DELETE", "users/ann", **how),
        api.call("DELETE", "tokens/strong", **how),
    ]
    assert [(one.status, one.error["code"]) for one in refused] == [(403, "exceeds_own_role")] * len(refused)
    api.ask("POST", "roles", {"name": "mine", "permissions": ["keys:read", "users:read"]}, status=201, **how)
    api.ask("POST", "users", {"name": "bob", "password": PASSWORD, "role": "mine"}, status=201, **how)
    api.ask("PATCH", "users/bob", {"password": "another password"}, **how)


def test_a_role_that_is_gone_lets_nobody_in(api: Managed) -> None:
    """Whoever still has it may do nothing, and is told so."""
    how = bearer(api, api.role("ops", KEYS))
    with api.database.transaction():
        api.act.accounts.delete_role("ops")
    refused = api.call("GET", "keys", **how)
    assert refused.status == 403 and "does not exist any more" in refused.error["message"]
    assert api.ask("GET", "me", **how)["permissions"] == []


def test_a_role_that_was_changed_meanwhile_is_not_overwritten(api: Managed) -> None:
    """`If-Match` with another version refuses the change and the deletion, and nothing is changed."""
    api.ask("POST", "roles", {"name": "ops", "permissions": KEYS}, status=201)
    seen = api.call("GET", "roles/ops").headers["etag"]
    assert api.call("PATCH", "roles/ops", {"permissions": ["teams:read"]}, if_match=seen).status == 200
    for method, body in (("PATCH", {"permissions": []}), ("DELETE", None)):
        late = api.call(method, "roles/ops", body, if_match=seen)
        assert (late.status, late.error["code"]) == (412, "version_mismatch")
    shown = api.call("GET", "roles/ops")
    assert shown.json()["permissions"] == ["teams:read"] and shown.headers["etag"] == '"2"'
    api.ask("DELETE", "roles/ops", status=204, if_match='"2"')
    assert api.call("GET", "roles/ops").status == 404
    assert api.call("POST", "roles", {"name": "ops", "permissions": KEYS}).headers["etag"] == '"3"'


def test_permissions_are_listed_with_where_they_may_be_given(api: Managed) -> None:
    """All of them; those that are about the whole gateway are marked, and refused in a role with another scope."""
    listed = {one["name"]: one["scoped"] for one in api.ask("GET", "permissions")["items"]}
    assert listed["keys:write"] and not listed["settings:read"]
    assert set(listed) == set(api.ask("GET", "me")["permissions"])
    for name, scoped in listed.items():
        body = {"name": name.replace(":", "-"), "permissions": [name], "scope": {"kind": "own"}}
        assert api.call("POST", "roles", body).status == (201 if scoped else 422), name
    assert api.call("GET", "permissions", role="viewer").status == 403
