"""The records in a browser: found, followed live, opened; and nothing that a caller wrote becomes markup."""

from __future__ import annotations

import pytest
from tests.fakes.waiting import wait
from tests.ui.rig import Gateway, Watched

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}';--"


@pytest.fixture(scope="module")
def key(gateway: Gateway) -> str:
    """A key with a few calls, one of a model whose name is hostile."""
    value = str(gateway.make("keys", name="records-app")["value"])
    for number in range(30):
        gateway.call(value, f"call {number}")
    gateway.call(value, "hi", f"mock/{HOSTILE}")
    wait(lambda: len(recorded(gateway)) >= 31, "the records")
    return value


def recorded(gateway: Gateway) -> list[object]:
    """Records of the key."""
    status, page = gateway.ask("GET", "records?caller=records-app&limit=100")
    assert status == 200, page
    return list(page["items"])


def test_records_are_filtered_and_opened_by_keyboard(web: Watched, key: str) -> None:
    """Filters come from the URL; arrows and Enter open a row; j goes to the next one; the table has no serious flaw."""
    assert key
    web.log_in()
    web.requests.clear()
    page = web.open("records?caller=records-app")
    table = page.get_by_role("grid", name="Records")
    table.get_by_role("row").nth(2).wait_for()
    assert len([one for one in web.requests if "/api/" in one]) <= 3
    web.is_accessible()
    web.shoot("records")
    table.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog")
    sheet.get_by_text("Attempts").wait_for()
    web.is_accessible()
    web.shoot("record")
    before = page.url
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != before)
    page.keyboard.press("Escape")
    sheet.wait_for(state="detached")
    assert "id=" not in page.url and "caller=records-app" in page.url


def test_a_call_appears_while_one_looks(web: Watched, gateway: Gateway, key: str) -> None:
    """Followed live, a call is there without a reload, with the filters that are set."""
    web.log_in()
    page = web.open("records?caller=records-app&live=1")
    page.get_by_role("button", name="Live").wait_for()
    page.get_by_role("grid", name="Records").get_by_role("row").nth(1).wait_for()
    gateway.call(key, "a live one", "mock/story")
    page.get_by_role("row", name="story").first.wait_for()


def test_hostile_text_stays_text(web: Watched, key: str) -> None:
    """A model's name with markup is shown as it was written; no element comes of it, no script runs."""
    assert key
    web.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    web.log_in()
    page = web.open("records?caller=records-app&status=404")
    page.get_by_role("row").nth(1).click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_text(HOSTILE).first.wait_for()
    sheet.get_by_role("tab", name="Raw").click()
    sheet.get_by_text("onerror").first.wait_for()
    assert page.locator("img[src=x]").count() == 0
