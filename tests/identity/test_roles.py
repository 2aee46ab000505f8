"""Roles and permissions."""

from __future__ import annotations

from asbru.identity import Actor, roles


def test_built_in_roles_contain_each_other() -> None:
    """An admin may what an editor may, an editor what a viewer may, and not the other way round."""
    viewer, editor, admin = (set(roles.BUILT_IN[name].permissions) for name in ("viewer", "editor", "admin"))
    assert viewer < editor < admin == roles.PERMISSIONS


def test_what_each_built_in_role_leaves_out() -> None:
    """A viewer changes nothing and reads no bodies of calls; accounts, roles and settings are the admin's."""
    viewer, editor = (set(roles.BUILT_IN[name].permissions) for name in ("viewer", "editor"))
    assert not any(one.endswith(":write") for one in viewer) and "bodies:read" in editor - viewer
    nouns = ("roles", "tokens", "users")
    accounts = {f"{noun}:{verb}" for noun in nouns for verb in ("read", "write")}
    assert roles.PERMISSIONS - editor == accounts | {"settings:write"}


def test_an_actor_may_what_the_role_contains() -> None:
    """And what nobody needs a permission for; without a role nothing else."""
    viewer = Actor("user/ann", roles.BUILT_IN["viewer"])
    assert viewer.may("") and viewer.may("keys:read") and not viewer.may("keys:write")
    assert not Actor("user/ann", roles.NO_ROLE).may("keys:read")
