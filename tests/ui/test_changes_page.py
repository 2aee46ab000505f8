"""The page of changes in a browser: who changed what, member by member; a link to a change works."""

from __future__ import annotations

from tests.ui.rig import Gateway, Watched


def test_a_change_is_shown_with_what_it_changed(web: Watched, gateway: Gateway) -> None:
    """Before and after of the members that differ, and of no others; secrets are never among them."""
    value = gateway.make("keys", name="watched", models=["mock/*"])["value"]
    budgets = [{"amount_usd": 50, "window": "1M"}]
    assert gateway.ask("PATCH", "keys/watched", {"models": ["mock/echo"], "budgets": budgets})[0] == 200
    gateway.ask("POST", "keys/watched/rotate", {})
    web.log_in()
    page = web.open("changes?kind=key&object=watched")
    page.get_by_role("row", name="changed virtual key watched").click()
    sheet = page.get_by_role("dialog")
    row = sheet.get_by_role("row", name="models")
    row.get_by_text('["mock/*"]').wait_for()
    row.get_by_text('["mock/echo"]').wait_for()
    assert sheet.get_by_role("row", name="surfaces").count() == 0
    assert value not in page.content()
    web.is_accessible()
    web.shoot("change")
    linked = page.url.partition("/ui/")[2].replace("kind=key&object=watched&", "")
    page = web.open(linked)
    page.get_by_role("dialog").get_by_text('["mock/echo"]').wait_for()
    page.get_by_role("dialog").get_by_role("link", name="As it is now").click()
    page.get_by_role("dialog", name="watched").wait_for()


def test_filters_and_an_old_link(web: Watched, gateway: Gateway) -> None:
    """Only of the kind that is asked for; a change that there is not says so; hostile names stay text."""
    gateway.make("teams", name="of-changes")
    gateway.make("keys", name="hostile", tags={"note": "<img src=x onerror=alert(1)>"})
    web.log_in()
    page = web.open("changes")
    page.get_by_role("row", name="of-changes").wait_for()
    web.is_accessible()
    web.shoot("changes")
    page.get_by_role("row", name="hostile").click()
    page.get_by_role("dialog").get_by_text("<img src=x").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("combobox", name="Is").or_(page.get_by_role("textbox", name="Is")).first.click()
    page.get_by_role("option", name="role").click()
    page.get_by_role("button", name="Add filter").click()
    page.get_by_text("Nothing that fits was changed").or_(page.get_by_role("row", name="role")).first.wait_for()
    assert page.get_by_role("row", name="of-changes").count() == 0
    page = web.open("changes?change=999999")
    page.get_by_text("There is no change with the number 999999").wait_for()
