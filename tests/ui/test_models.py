"""The page of models in a browser: prices and capabilities, filtered and sorted, and where they lead."""

from __future__ import annotations

from playwright.sync_api import Locator
from tests.fakes.waiting import wait
from tests.ui.rig import Gateway, Watched


def test_models_are_filtered_sorted_and_opened(web: Watched, gateway: Gateway) -> None:
    """The list needs three requests; filters and sort are in the URL; a model shows its prices and leads on."""
    gateway.make("providers", name="openai", keys=[{"name": "main", "value": "sk-not-used-1234567890"}])
    gateway.make("providers", name="anthropic", keys=[{"name": "main", "value": "sk-not-used-1234567890"}])

    def listed(provider: str) -> bool:
        return bool(gateway.ask("GET", f"models?provider={provider}")[1]["items"])

    wait(lambda: listed("openai") and listed("anthropic"), "the models of the new providers")
    web.log_in()
    web.requests.clear()
    page = web.open("models")
    table = page.get_by_role("grid", name="Models")
    table.get_by_role("row").nth(5).wait_for()
    assert len([one for one in web.requests if "/api/" in one]) <= 3
    web.is_accessible()
    web.shoot("models")
    page.goto(f"{gateway.url}/ui/models?price=known&sort=-input&search=gpt")
    page.get_by_role("columnheader", name="Input", exact=True).and_(page.locator("[aria-sort=descending]")).wait_for()
    first = table.get_by_role("row").nth(1).get_by_role("gridcell").nth(1)
    dearest = amount(first)
    page.get_by_role("columnheader", name="Input", exact=True).get_by_role("button").click()
    page.wait_for_url(lambda url: "sort=input" in url)
    wait(lambda: amount(first) < dearest, "the cheapest model, which stands first now")
    table.get_by_role("row").nth(1).click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("rowheader", name="Input").wait_for()
    web.is_accessible()
    web.shoot("model")
    assert "model=" in page.url


def test_a_model_is_reached_by_its_link(web: Watched, gateway: Gateway) -> None:
    """A link to one model opens it; one that does not exist is said to be none."""
    web.log_in()
    page = web.open("models?model=mock%2Fecho")
    page.get_by_role("dialog").get_by_text("What it takes").wait_for()
    page.goto(f"{gateway.url}/ui/models?model=mock%2Fnowhere")
    page.get_by_role("dialog").get_by_text("There is no model of this id").wait_for()


def test_a_search_without_a_match_leads_back(web: Watched) -> None:
    """Where nothing fits, one button shows all models again."""
    web.log_in()
    page = web.open("models?search=no-such-model")
    page.get_by_role("button", name="Show all models").click()
    page.get_by_role("grid", name="Models").get_by_role("row", name="mock/echo").wait_for()


def amount(cell: Locator) -> float:
    """Dollars that are shown, once they are: a table that waits for its rows has empty cells."""
    shown = cell.filter(has_text="$")
    shown.wait_for()
    return float(shown.inner_text().removeprefix("$"))
