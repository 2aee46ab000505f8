"""The overview in a browser: figures of real calls, the way from a number to its records, and what it costs to show."""

from __future__ import annotations

import pytest
from tests.fakes.waiting import wait
from tests.ui.rig import Gateway, Watched


@pytest.fixture(scope="module")
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
    assert page.get_by_role("region", name="Requests as a table").get_by_role("row").count() > 10
