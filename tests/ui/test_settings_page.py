"""The page of settings in a browser: found, changed with bounds, undone, restored; what the file sets is only shown."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.ui.rig import Gateway, Watched


def _setting(gateway: Gateway, path: str) -> tuple[object, str]:
    _, listed = gateway.ask("GET", "settings")
    one = next(one for one in listed["items"] if one["path"] == path)
    return one["value"], one["source"]


def test_a_number_is_changed_undone_and_restored(web: Watched, gateway: Gateway) -> None:
    """Out of bounds it is not sent; undo and restore lead back to the default."""
    web.log_in()
    page = web.open("settings?search=records.days")
    box = page.get_by_label("Days", exact=True)
    box.fill("0")
    page.get_by_text("At least 1 day").wait_for()
    box.fill("90")
    box.press("Enter")
    page.get_by_text("Days: 90 days").wait_for()
    assert _setting(gateway, "records.days") == (90, "api")
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Days: the default again, 30 days").wait_for()
    assert _setting(gateway, "records.days") == (30, "default")
    box.fill("60")
    box.press("Enter")
    page.get_by_role("button", name="Restore the default of Days").click()
    page.get_by_text("default", exact=True).wait_for()
    assert _setting(gateway, "records.days") == (30, "default")


def test_a_switch_is_saved_at_once_and_groups_are_links(web: Watched, gateway: Gateway) -> None:
    """Only the group is shown; what the file sets and what is read at the start cannot be changed."""
    web.log_in()
    page = web.open("settings?group=affinity")
    page.get_by_label("Enabled").click(force=True)
    page.get_by_text("Enabled: off").wait_for()
    assert _setting(gateway, "affinity.enabled") == (False, "api")
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Enabled: the default again").wait_for()
    page.get_by_role("button", name="Control process").click()
    page.get_by_text("set in the configuration file").wait_for()
    assert page.get_by_label("Enabled").is_disabled()
    expect(page.locator("#main").get_by_role("heading", level=2)).to_have_count(1)
    page.go_back()
    page.get_by_role("heading", name="Session affinity").wait_for()


def test_settings_in_both_themes_and_widths(web: Watched, gateway: Gateway) -> None:
    """Screenshots; no serious flaw; only what is not the default, on request."""
    gateway.ask("PATCH", "settings", {"overload.wait_s": 20})
    web.log_in()
    page = web.open("settings")
    page.get_by_role("button", name="Restore the default of Wait").wait_for()
    web.is_accessible()
    web.shoot("settings")
    page.get_by_label("Only what is not the default").check()
    expect(page.locator("#main").get_by_role("heading", level=2)).to_have_text(["Overload", "Control process"])
    gateway.ask("PATCH", "settings", {"overload.wait_s": None})


def test_two_admins_do_not_overwrite_each_other(web: Watched, gateway: Gateway) -> None:
    """Another setting that was changed meanwhile is no conflict; the same one is, and both values are shown."""
    web.log_in()
    page = web.open("settings?search=records.days")
    box = page.get_by_label("Days", exact=True)
    box.wait_for()
    assert gateway.ask("PATCH", "settings", {"overload.wait_s": 20})[0] == 200
    box.fill("90")
    box.press("Enter")
    page.get_by_text("Days: 90 days").wait_for()
    assert gateway.ask("PATCH", "settings", {"records.days": 45, "overload.wait_s": None})[0] == 200
    box.fill("60")
    box.press("Enter")
    conflict = page.get_by_role("dialog", name="Someone else changed this meanwhile")
    conflict.get_by_text("45 days").wait_for()
    assert _setting(gateway, "records.days") == (45, "api")
    web.is_accessible()
    conflict.get_by_role("button", name="Apply my changes").click()
    page.get_by_text("Days: 60 days").wait_for()
    assert _setting(gateway, "records.days") == (60, "api")
    gateway.ask("PATCH", "settings", {"records.days": None})
