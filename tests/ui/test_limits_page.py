"""The page of limits in a browser: of providers, models and provider keys; made, edited, used up, deleted."""

from __future__ import annotations

from tests.ui.rig import Gateway, Watched


def test_a_provider_is_limited_and_the_limit_bites(web: Watched, gateway: Gateway) -> None:
    """Made in the form, used up by one call, shown as used up, deleted again."""
    key = gateway.make("keys", name="limited-caller")["value"]
    gateway.make("limits", scope="model", name="mock/echo*", budgets=[{"amount_usd": 250, "window": "1M"}])
    gateway.make(
        "limits", scope="provider", name="other", rate_limits=[{"metric": "tokens", "amount": 9, "window": "1h"}]
    )
    web.log_in()
    page = web.open("limits?new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Provider").fill("mock")
    sheet.get_by_role("button", name="Add rate limit").click()
    sheet.get_by_label("At most").fill("1")
    sheet.get_by_role("combobox", name="Per").click()
    page.get_by_role("option", name="day").click()
    web.is_accessible()
    sheet.get_by_role("button", name="Set the limits").click()
    page.get_by_text("mock is limited").wait_for()
    try:
        sheet.wait_for(state="hidden")
        while gateway.call(key, "hi")[0] != 429:
            pass
        page.reload(wait_until="networkidle")
        page.get_by_text("used up").wait_for()
        web.shoot("limits")
        page.get_by_role("button", name="Actions for mock").click()
        page.get_by_role("menuitem", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        page.get_by_text("has no limits of its own any more").wait_for()
        assert gateway.call(key, "hi")[0] == 200
    finally:
        gateway.ask("DELETE", "limits/provider/mock")  # other tests call it, too


def test_tabs_are_scopes_and_links(web: Watched, gateway: Gateway) -> None:
    """A model's limits are found by their link, and a change is saved; a scope without limits teaches."""
    gateway.make("limits", scope="model", name="mock/echo", budgets=[{"amount_usd": 3, "window": "1d"}])
    web.log_in()
    page = web.open("limits?scope=model&limit=model/mock/echo")
    sheet = page.get_by_role("dialog", name="mock/echo")
    sheet.get_by_label("Amount").fill("4")
    sheet.get_by_role("button", name="Save").click()
    page.get_by_text("The limits of mock/echo are saved").wait_for()
    assert gateway.ask("GET", "limits/model/mock/echo")[1]["budgets"][0]["amount_usd"] == 4
    page.get_by_role("tab", name="Provider keys").click()
    page.get_by_text("No provider key has limits").wait_for()
    web.is_accessible()
