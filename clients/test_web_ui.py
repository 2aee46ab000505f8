"""Every page of the web UI with a day of traffic: axe in both themes, and screenshots at both widths in build/shots.

What each page does is tested in tests/ui, which `make clients` runs as well, for screenshots of every state.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.fakes.waiting import wait
from tests.ui.conftest import watched
from tests.ui.rig import THEMES, Gateway, Watched, launch
from tests.ui.test_every_page import paths

SAMPLE_S = 120.0
pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with the sample day, and owners with limits."""
    with Gateway(tmp_path_factory.mktemp("busy")) as served:
        served.set_up()
        served.ask("POST", "sample")
        for team, amount in (("growth", 200), ("engineering", 400), ("support", 50)):
            served.make("teams", name=team, budgets=[{"amount_usd": amount, "window": "1M"}])
            limits = [{"metric": "requests", "amount": 600, "window": "1m"}]
            served.make(
                "keys", name=f"{team}-prod", team=team, models=["openai/*", "anthropic/*"], rate_limits=limits
            )
        wait(lambda: served.ask("GET", "sample")[1]["state"] == "ready", "the sample day", SAMPLE_S)
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window, as long as this module runs."""
    playwright, started = launch()
    yield started
    started.close()
    playwright.stop()


@pytest.fixture
def pages(browser: Browser, busy: Gateway) -> Iterator[Watched]:
    """A page, the admin logged in."""
    for one in watched(browser, busy):
        one.log_in()
        yield one


@pytest.mark.parametrize("path", paths())
def test_a_page_in_both_themes_and_widths(pages: Watched, path: str) -> None:
    """No serious flaw in either theme, filled with data; the screenshots are there to be looked at."""
    page = pages.open(path)
    page.get_by_role("heading", level=1).wait_for()
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        pages.is_accessible()
    pages.shoot(f"day-{path.replace('/', '-')}")


def test_the_details_of_a_call_with_what_was_said(pages: Watched, busy: Gateway) -> None:
    """A stored conversation is shown as turns, and a call that fell back as a waterfall."""
    _, listed = busy.ask("GET", "records?limit=500&surface=anthropic.messages")
    shown = [busy.ask("GET", f"records/{one['id']}")[1] for one in listed["items"][:200]]
    stored = next(one for one in shown if one["bodies"])
    page = pages.open(f"records?id={stored['id']}")
    page.get_by_role("tab", name="Conversation").click()
    page.get_by_role("region", name="assistant").first.wait_for()
    pages.is_accessible()
    pages.shoot("day-conversation")


def test_the_sample_is_removed_with_one_click(pages: Watched, busy: Gateway) -> None:
    """Last, because the others look at it: nothing of it is left."""
    page = pages.open("overview")
    page.get_by_role("button", name="Remove it").click()
    wait(lambda: busy.ask("GET", "sample")[1]["state"] == "none", "the removal", SAMPLE_S)
    page.get_by_text("There were no calls in this time").wait_for()
