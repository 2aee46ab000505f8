"""The page of prices in a browser: created with a pattern, edited and deleted with undo, two people at one price."""

from __future__ import annotations

from tests.fakes.waiting import wait
from tests.ui.rig import Gateway, Watched


def test_a_price_is_created_edited_and_deleted_with_undo(web: Watched, gateway: Gateway) -> None:
    """The form says what a pattern is about; each act can be undone, and a deleted price comes back as it was."""
    web.log_in()
    page = web.open("prices?new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Models").fill("mock")
    sheet.get_by_text("Expected provider/model").wait_for()
    sheet.get_by_label("Models").fill("mock/st*")
    sheet.get_by_label("Models").press("Escape")
    sheet.get_by_role("status").get_by_text("mock/story").wait_for()
    sheet.get_by_role("textbox", name="Input", exact=True).fill("1.5")
    sheet.get_by_role("textbox", name="Output", exact=True).fill("6")
    web.is_accessible()
    web.shoot("price")
    sheet.get_by_role("button", name="Create the price").click()
    page.get_by_text("mock/st* has a price.").wait_for()
    page.get_by_role("row", name="mock/st*").click()
    sheet.get_by_role("textbox", name="Input", exact=True).fill("2")
    sheet.get_by_role("button", name="Save").click()
    page.get_by_text("The price of mock/st* is saved.").wait_for()
    assert stored(gateway)["input"] == 2
    page.get_by_role("button", name="Undo").click()
    wait(lambda: stored(gateway)["input"] == 1.5, "the price as it was")
    page.get_by_role("button", name="Actions for mock/st*").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("has no price of its own any more").wait_for()
    assert gateway.ask("GET", "prices/mock/st*")[0] == 404
    page.get_by_role("button", name="Undo").last.click()
    page.get_by_role("row", name="mock/st*").wait_for()
    assert stored(gateway)["output"] == 6
    gateway.ask("DELETE", "prices/mock/st*")


def test_models_lead_to_their_price(web: Watched) -> None:
    """The form for a price of a model opens from the model, with its name in it."""
    web.log_in()
    page = web.open("models?model=mock/echo")
    page.get_by_role("dialog").get_by_role("link", name="Set another price").click()
    assert page.get_by_role("dialog").get_by_label("Models").input_value() == "mock/echo"


def test_prices_changed_meanwhile_are_not_overwritten(web: Watched, gateway: Gateway) -> None:
    """My change is applied on top of theirs."""
    gateway.make("prices", name="mock/both", input=1, output=1)
    web.log_in()
    page = web.open("prices?price=mock/both")
    page.get_by_role("dialog").get_by_role("textbox", name="Input", exact=True).fill("3")
    assert gateway.ask("PATCH", "prices/mock/both", {"output": 9})[0] == 200
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Apply my changes").click()
    page.get_by_text("The price of mock/both is saved.").wait_for()
    _, price = gateway.ask("GET", "prices/mock/both")
    assert (price["input"], price["output"]) == (3, 9)
    page.get_by_role("grid", name="Prices").wait_for()
    web.is_accessible()
    web.shoot("prices")


def stored(gateway: Gateway) -> dict[str, float]:
    """The price of this test, as the API has it."""
    status, price = gateway.ask("GET", "prices/mock/st*")
    assert status == 200, price
    return dict(price)
