"""The overview in a browser: figures of real calls, the way from a number to its records, and what it costs to show."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect
from tests.fakes.waiting import wait
from tests.ui.rig import Gateway, Watched


@pytest.fixture(scope="package")
def calls(gateway: Gateway) -> None:
    """Calls of two teams: answered, failed at the provider, refused."""
    for team in ("blue", "red"):
        gateway.make("teams", name=team)
    keys = [gateway.make("keys", name=f"{team}-app", team=team).get("value", "") for team in ("blue", "red")]
    for number in range(12):
        gateway.call(
            keys[number % 2], "hi " * (number + 1), "mock/echo+error-500" if number % 5 == 4 else "mock/echo"
        )
    wait(lambda: counted(gateway) >= 12, "the calls in the sums")


def counted(gateway: Gateway) -> int:
    """Calls that the overview has summed."""
    status, overview = gateway.ask("GET", "overview")
    assert status == 200, overview
    return int(overview["totals"]["calls"])


@pytest.mark.usefixtures("calls")
def test_it_shows_itself_with_three_requests_at_most(web: Watched) -> None:
    """Opened anew, the page asks who one is, and for the overview; in both themes it has no serious flaw."""
    web.log_in()
    web.requests.clear()
    page = web.open("overview?range=1h&by=team")
    page.get_by_title("Show only blue").wait_for()
    asked = [one for one in web.requests if "/api/" in one]
    assert len(asked) <= 3, asked
    web.is_accessible()
    web.shoot("overview")


@pytest.mark.usefixtures("calls")
def test_two_clicks_from_a_number_to_the_call_behind_it(web: Watched) -> None:
    """Who fails: the error of the overview leads to its records, and a row to the attempt with the reason."""
    web.log_in()
    page = web.open("overview?range=1h&caller=blue-app")
    page.get_by_role("complementary", name="Errors").get_by_role("link").first.click()
    page.get_by_role("row", name="echo+error-500").first.click()
    page.get_by_role("dialog").get_by_text("failed", exact=False).first.wait_for()
    assert "error_code=" in page.url and "id=req_" in page.url


@pytest.mark.usefixtures("calls")
def test_the_url_is_the_state(web: Watched) -> None:
    """A click on a team narrows the page, Back undoes it, and a reload keeps it."""
    web.log_in()
    page = web.open("overview?range=1h&by=team")
    page.get_by_title("Show only blue").click()
    page.get_by_role("button", name="Remove the filter Team").wait_for()
    assert "team=blue" in page.url
    page.reload()
    page.get_by_role("button", name="Remove the filter Team").wait_for()
    page.go_back()
    page.get_by_title("Show only red").wait_for()
    assert "team=blue" not in page.url


@pytest.mark.usefixtures("calls")
def test_a_chart_is_also_a_table(web: Watched) -> None:
    """Whoever cannot see the chart reads the same numbers."""
    web.log_in()
    page = web.open("overview?range=1h")
    page.get_by_role("button", name="Requests: show as a table").click()
    page.get_by_role("region", name="Requests as a table").get_by_role("row").nth(10).wait_for()


@pytest.mark.usefixtures("calls")
def test_a_sample_is_offered_and_removed_where_it_is_shown(web: Watched) -> None:
    """With few calls the overview offers it; while it is there, the overview and the records say so, and remove it."""
    states = {"none": "ready", "ready": "none"}
    shown = {"rows": 0, "state": "none"}

    def change(route: Route) -> None:
        if route.request.method != "GET":
            shown.update(rows=42, state=states[str(shown["state"])])
        route.fulfill(json=shown)

    def few(route: Route) -> None:
        body = route.fetch().json()
        body["totals"]["calls"] = 3
        route.fulfill(json=body)

    web.log_in()
    web.page.route("**/api/v1/sample", change)
    web.page.route("**/api/v1/overview?*", few)
    page = web.open("overview?range=1h&surface=openai.chat")
    page.get_by_title("Remove the filter Surface").or_(
        page.get_by_label("Remove the filter Surface")
    ).first.wait_for()
    assert page.get_by_text("Few calls yet").count() == 0
    page = web.open("overview?range=1h")
    page.get_by_text("Few calls yet").wait_for()
    page.get_by_role("button", name="Load it").click()
    page.get_by_text("This includes a day of sample traffic").wait_for()
    page.locator("button:not([data-loading])", has_text="Remove it").wait_for()
    web.is_accessible()
    page = web.open("records")
    page.get_by_role("button", name="Remove it").click()
    page.get_by_text("This includes a day of sample traffic").wait_for(state="detached")
    assert shown["state"] == "none"


@pytest.mark.usefixtures("calls")
def test_why_calls_failed(web: Watched) -> None:
    """Most often first; that callers hung up comes last, in words, and leads to the calls with that outcome."""
    web.log_in()

    def more(route: Route) -> None:
        body = route.fetch().json()
        body["errors"] = [{"code": "cancelled", "calls": 9}, {"code": "upstream_error", "calls": 3}]
        route.fulfill(json=body)

    web.page.route("**/api/v1/overview?*", more)
    page = web.open("overview?range=1h")
    links = page.get_by_role("complementary", name="Errors").get_by_role("link")
    expect(links).to_contain_text(["upstream_error", "cancelled by the caller"])
    assert "outcome=cancelled" in str(links.last.get_attribute("href"))
