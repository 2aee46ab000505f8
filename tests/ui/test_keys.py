"""The page of virtual keys in a browser: made, spent, switched off, rotated, deleted; two people at one key."""

from __future__ import annotations

from tests.ui.rig import Gateway, Watched


def test_a_key_is_made_and_its_value_shown_once(web: Watched, gateway: Gateway) -> None:
    """The form makes a key with a budget, which calls at once; after the dialog its value is nowhere on the page."""
    web.log_in()
    page = web.open("keys?new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name").fill("made-here")
    sheet.get_by_role("button", name="Add budget").click()
    sheet.get_by_label("Amount").fill("0.005")
    web.is_accessible()
    sheet.get_by_role("button", name="Create the key").click()
    value = page.get_by_label("Value", exact=True).input_value()
    page.get_by_role("button", name="I have stored it").click()
    page.get_by_role("row", name="made-here").wait_for()
    assert value not in page.content()
    # Spent, and the refusal is found in the records with its reason.
    assert gateway.call(value, "word " * 100, max_tokens=100)[0] == 200
    while gateway.call(value, "word " * 100, max_tokens=100)[0] == 200:
        pass
    page = web.open("records?caller=made-here&outcome=refused")
    page.get_by_role("row", name="402").first.click()
    page.get_by_role("dialog").get_by_text("budget_exceeded").wait_for()


def test_what_is_wrong_is_said_at_the_field(web: Watched) -> None:
    """As one types; the JSON of the same object is one tab away, and an error there keeps it from being sent."""
    web.log_in()
    page = web.open("keys?new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name").fill("not a name")
    sheet.get_by_text("Letters, digits").wait_for()
    sheet.get_by_role("tab", name="JSON").click()
    box = sheet.get_by_label("The object as JSON")
    box.fill('{"name": "from-json", "rate_limits": [{"metric": "requests", "amount": 0}]}')
    sheet.get_by_text("More than 0").wait_for()
    box.fill('{"name": "from-json", "tags": {"env": "prod"}}')
    sheet.get_by_role("tab", name="YAML").click()
    sheet.get_by_text("env: prod").wait_for()
    sheet.get_by_role("button", name="Create the key").click()
    page.get_by_role("button", name="I have stored it").click()


def test_switched_off_with_undo(web: Watched, gateway: Gateway) -> None:
    """Refused at once, and back with one click."""
    value = gateway.make("keys", name="switched")["value"]
    web.log_in()
    page = web.open("keys?search=switched")
    page.get_by_role("button", name="Actions for switched").click()
    page.get_by_role("menuitem", name="Switch off").click()
    page.get_by_text("is switched off").wait_for()
    assert gateway.call(value, "hi")[0] in (401, 403)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("switched is active").wait_for()
    assert gateway.call(value, "hi")[0] == 200


def test_two_people_do_not_overwrite_each_other(web: Watched, gateway: Gateway) -> None:
    """Changed meanwhile by somebody else: both changes are shown, and mine is applied on top of theirs."""
    gateway.make("keys", name="shared")
    web.log_in()
    page = web.open("keys?key=shared")
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name="Add rate limit").click()
    status, _ = gateway.ask("PATCH", "keys/shared", {"models": ["mock/*"]})
    assert status == 200
    sheet.get_by_role("button", name="Save").click()
    conflict = page.get_by_role("dialog", name="Someone else changed this meanwhile")
    conflict.get_by_text("[mock/*]").wait_for()
    web.is_accessible()
    web.shoot("conflict")
    conflict.get_by_role("button", name="Apply my changes").click()
    page.get_by_text("shared is saved").wait_for()
    _, key = gateway.ask("GET", "keys/shared")
    assert key["models"] == ["mock/*"] and key["rate_limits"][0]["amount"] == 60


def test_rotated_and_deleted_by_name(web: Watched, gateway: Gateway) -> None:
    """Rotation shows the new value once; deleting asks for the name, since it cannot be undone."""
    old = gateway.make("keys", name="ends-here")["value"]
    web.log_in()
    page = web.open("keys?search=ends-here")
    page.get_by_role("button", name="Actions for ends-here").click()
    page.get_by_role("menuitem", name="Rotate").click()
    page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
    new = page.get_by_label("Value", exact=True).input_value()
    page.get_by_role("button", name="I have stored it").click()
    assert gateway.call(old, "hi")[0] == 401 and gateway.call(new, "hi")[0] == 200
    page.get_by_role("button", name="Actions for ends-here").click()
    page.get_by_role("menuitem", name="Delete").click()
    delete = page.get_by_role("dialog").get_by_role("button", name="Delete")
    assert delete.is_disabled()
    page.get_by_label("Type ends-here to confirm").fill("ends-here")
    delete.click()
    page.get_by_text("ends-here is deleted").wait_for()
    assert gateway.call(new, "hi")[0] == 401


def test_keys_in_both_themes_and_widths(web: Watched, gateway: Gateway) -> None:
    """Screenshots of the list and of a sheet; no serious flaw."""
    gateway.make("teams", name="search")
    gateway.make("keys", name="a-search-prod", team="search", budgets=[{"amount_usd": 50, "window": "1M"}])
    web.log_in()
    page = web.open("keys")
    page.get_by_role("row", name="a-search-prod").wait_for()
    web.is_accessible()
    web.shoot("keys")
    page = web.open("keys?key=a-search-prod")
    page.get_by_role("dialog").get_by_label("Name").wait_for()
    web.shoot("keys-sheet")
