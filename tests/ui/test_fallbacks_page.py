"""The page of fallbacks in a browser: made, reordered by keyboard, by button and by dragging, deleted with undo."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.ui.rig import Gateway, Watched


def test_a_fallback_is_made_and_reordered(web: Watched, gateway: Gateway) -> None:
    """What is shown is the order in which targets are tried."""
    web.log_in()
    page = web.open("fallbacks?new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("When this fails").fill("mock/echo")
    page.keyboard.press("Escape")
    add = sheet.get_by_label("Add a target")
    for target in ("mock/one", "mock/two", "mock/three"):
        add.fill(target)
        sheet.get_by_role("button", name="Add", exact=True).click()
    order = sheet.get_by_role("list", name="Targets in their order").get_by_role("listitem")
    order.nth(2).get_by_role("button", name="move with Alt").press("Alt+ArrowUp")
    expect(sheet.get_by_text("mock/three is now number 2 of 3")).to_have_count(1)
    sheet.get_by_role("button", name="Move mock/three up").click()
    order.nth(2).drag_to(order.nth(1))
    expect(sheet.locator("[data-dragged=true]")).to_have_count(0)
    web.is_accessible()
    web.shoot("fallbacks-sheet")
    sheet.get_by_role("button", name="Create the fallback").click()
    page.get_by_text("mock/echo has a fallback").wait_for()
    _, made = gateway.ask("GET", "fallbacks/mock/echo")
    assert made["to"] == ["mock/three", "mock/two", "mock/one"]
    web.is_accessible()
    web.shoot("fallbacks")
    page.get_by_role("button", name="Actions for mock/echo").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="mock/echo", exact=True).wait_for()
    assert gateway.ask("DELETE", "fallbacks/mock/echo")[0] == 204


def test_what_is_no_target_is_said_at_once(web: Watched) -> None:
    """`gpt-4o` without a provider is not sent."""
    web.log_in()
    page = web.open("fallbacks?new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("When this fails").fill("gpt-4o")
    sheet.get_by_text("Expected provider/model").wait_for()
    sheet.get_by_label("Add a target").fill("claude")
    sheet.get_by_label("Add a target").press("Enter")
    sheet.get_by_text("claude: expected provider/model").wait_for()
    assert not [one for one in web.requests if one.startswith("POST") and "fallbacks" in one]
