"""The page of users, tokens and roles in a browser."""

from __future__ import annotations

from tests.ui.rig import Gateway, Watched

SECRET = "long enough for this"


def test_a_user_is_made_changed_and_deleted(web: Watched, gateway: Gateway) -> None:
    """Too short a password is not sent; another role ends the sessions; deleting asks for the name."""
    web.log_in()
    page = web.open("users?new=1")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("bea")
    dialog.get_by_label("Password", exact=False).first.fill("short")
    dialog.get_by_role("button", name="Create the user").click()
    dialog.get_by_text("At least 12 characters", exact=True).wait_for()
    dialog.get_by_label("Password", exact=False).first.fill(SECRET)
    web.is_accessible()
    dialog.get_by_role("button", name="Create the user").click()
    page.get_by_text("bea may log in").wait_for()
    gateway.session("bea", SECRET)
    page.get_by_role("row", name="bea").click()
    dialog.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="editor").click()
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("bea is saved").wait_for()
    page.get_by_role("row", name="bea editor").wait_for()
    page.get_by_role("button", name="Actions for bea").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_label("Type bea to confirm").fill("bea")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("bea is deleted").wait_for()


def test_the_last_admin_stays(web: Watched) -> None:
    """The refusal is said in the dialog, and nothing is changed."""
    web.log_in()
    page = web.open("users?user=ann")
    dialog = page.get_by_role("dialog", name="ann")
    dialog.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="viewer").click()
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("alert").get_by_text("last admin").wait_for()


def test_a_token_is_shown_once_and_works(web: Watched, gateway: Gateway) -> None:
    """With a role and an expiry; after the dialog its value is nowhere on the page; deleted, it is refused."""
    web.log_in()
    page = web.open("users?tab=tokens&new=1")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("deploy-pipeline")
    dialog.get_by_role("combobox", name="Expires").click()
    page.get_by_role("option", name="in 7 days").click()
    dialog.get_by_role("button", name="Create the token").click()
    value = page.get_by_label("Value", exact=True).input_value()
    web.is_accessible()
    web.shoot("token-made")
    assert gateway.send("GET", "/api/v1/me", None, value)[1]["role"] == "viewer"
    page.get_by_role("button", name="I have stored it").click()
    page.get_by_role("row", name="deploy-pipeline").wait_for()
    assert value not in page.content()
    web.shoot("tokens")
    page.get_by_role("button", name="Delete the token deploy-pipeline").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("deploy-pipeline is deleted").wait_for()
    assert gateway.send("GET", "/api/v1/me", None, value)[0] == 401


def test_a_role_is_a_matrix_and_a_scope(web: Watched, gateway: Gateway) -> None:
    """Changing brings seeing along; with some teams only, what is about the whole gateway is out; used roles stay."""
    gateway.make("teams", name="search")
    web.log_in()
    page = web.open("users?tab=roles&new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name").fill("team-lead")
    sheet.get_by_label("Change: Virtual keys").check()
    assert sheet.get_by_label("See: Virtual keys").is_checked()
    sheet.get_by_label("See: Records").check()
    sheet.get_by_label("See: Settings").check()
    sheet.get_by_label("Some teams").check()
    assert sheet.get_by_label("See: Settings").is_disabled() and not sheet.get_by_label("See: Settings").is_checked()
    sheet.get_by_role("textbox", name="Teams").or_(sheet.get_by_role("combobox", name="Teams")).first.click()
    page.get_by_role("option", name="search").click()
    page.keyboard.press("Escape")
    web.is_accessible()
    web.shoot("role")
    sheet.get_by_role("button", name="Create the role").click()
    page.get_by_text("The role team-lead is created").wait_for()
    _, listed = gateway.ask("GET", "roles")
    made = next(one for one in listed["items"] if one["name"] == "team-lead")
    assert made["permissions"] == ["keys:read", "keys:write", "records:read"]
    assert made["scope"] == {"kind": "team", "teams": ["search"]}
    gateway.make("tokens", name="of-a-lead", role="team-lead")
    page.get_by_role("button", name="Actions for team-lead").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_text("is used by").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    web.shoot("roles")
    gateway.ask("DELETE", "tokens/of-a-lead")
    gateway.ask("DELETE", "roles/team-lead")


def test_users_in_both_themes_and_widths(web: Watched, gateway: Gateway) -> None:
    """Screenshots of the list; no serious flaw."""
    gateway.make("users", name="mara.lind", password=SECRET, role="editor")
    web.log_in()
    page = web.open("users")
    page.get_by_role("row", name="mara.lind").wait_for()
    web.is_accessible()
    web.shoot("users")


def test_two_admins_do_not_overwrite_each_other(web: Watched, gateway: Gateway) -> None:
    """A user and a role that were changed meanwhile: both changes are shown, and mine are applied on top of theirs."""
    gateway.make("users", name="otto", password=SECRET, role="viewer")
    gateway.make("roles", name="both-change", permissions=["keys:read", "teams:read"])
    web.log_in()
    page = web.open("users?user=otto")
    form = page.get_by_role("dialog", name="otto")
    form.get_by_label("New password").fill(SECRET + " anew")
    assert gateway.ask("PATCH", "users/otto", {"role": "editor"})[0] == 200
    form.get_by_role("button", name="Save").click()
    conflict = page.get_by_role("dialog", name="Someone else changed this meanwhile")
    conflict.get_by_text("editor").wait_for()
    conflict.get_by_role("button", name="Take theirs").click()
    assert form.get_by_role("combobox", name="Role").input_value() == "editor"
    page = web.open("users?tab=roles&role=both-change")
    sheet = page.get_by_role("dialog", name="Role both-change")
    sheet.get_by_label("Change: Virtual keys").check()
    assert gateway.ask("PATCH", "roles/both-change", {"permissions": ["keys:read", "models:read"]})[0] == 200
    sheet.get_by_role("button", name="Save").click()
    conflict.get_by_text("models:read").wait_for()
    web.is_accessible()
    conflict.get_by_role("button", name="Apply my changes").click()
    page.get_by_text("The role both-change is saved").wait_for()
    role = gateway.ask("GET", "roles/both-change")[1]
    assert role["permissions"] == ["keys:read", "keys:write", "models:read"]
