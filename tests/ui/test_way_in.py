"""The way in: log-in, deep links, roles, and what the page does while the control process is away."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.ui.rig import ADMIN, PASSWORD, Gateway, Watched

VIEWER = "vera"
AWAY = {
    "error": {
        "type": "overloaded_error",
        "code": "unavailable",
        "message": "the process behind this path is not running; try again shortly",
    }
}
"""What a worker answers while there is no control process."""


def test_log_in_returns_to_where_one_wanted_to_go(web: Watched) -> None:
    """A deep link asks for the log-in first; a wrong password says so and nothing else; then the link opens."""
    page = web.open("keys?search=app")
    page.get_by_label("User").fill(ADMIN)
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").get_by_text("wrong").wait_for()
    web.is_accessible()
    web.shoot("login")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Virtual keys").wait_for()
    assert page.url.endswith("/ui/keys?search=app")


def test_a_viewer_is_offered_nothing_that_is_refused(web: Watched, gateway: Gateway) -> None:
    """Without `keys:write` there is no way to make, change or delete a key; the form is only shown."""
    gateway.make("users", name=VIEWER, password=PASSWORD, role="viewer")
    gateway.make("keys", name="looked-at")
    web.log_in(VIEWER)
    page = web.open("keys?search=looked-at")
    page.get_by_role("row", name="looked-at").wait_for()
    expect(page.get_by_role("button", name="New key")).to_have_count(0)
    page.get_by_role("button", name="Actions for looked-at").click()
    page.get_by_role("menuitem", name="Its records").wait_for()
    expect(page.get_by_role("menuitem")).to_have_text(["Its records", "Its sessions", "Its spend"])
    page.keyboard.press("Escape")
    page.get_by_role("row", name="looked-at").click()
    page.get_by_text("Your role may read keys").wait_for()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)


def test_the_page_waits_for_the_control_process(web: Watched, gateway: Gateway) -> None:
    """While it is away the page says so and keeps what it shows; once it is back, the page goes on by itself."""
    gateway.make("keys", name="shown-again")
    web.log_in()
    page = web.open("keys")
    page.get_by_role("grid").wait_for()
    page.route("**/api/**", lambda route: route.fulfill(status=503, json=AWAY))
    page.get_by_role("textbox", name="Search keys by name").fill("shown")
    page.get_by_text("The control process does not answer").wait_for()
    web.shoot("away")
    page.unroute("**/api/**")
    page.get_by_role("row", name="shown-again").wait_for()
    expect(page.get_by_text("The control process does not answer")).to_have_count(0)


def test_a_page_opened_while_it_is_away_opens_later(web: Watched) -> None:
    """Not even knowing who is there, the page waits, and then opens where the link leads."""
    web.log_in()
    web.page.route("**/api/**", lambda route: route.abort())
    web.expected += ["ERR_FAILED", "does not answer at the moment"]
    page = web.open("keys")
    page.get_by_role("heading", name="The control process does not answer").wait_for()
    page.unroute("**/api/**")
    page.get_by_role("heading", name="Virtual keys").wait_for()


def test_a_session_that_has_ended_leads_to_the_log_in_and_back(web: Watched, gateway: Gateway) -> None:
    """Ended elsewhere, by a new password: the next request leads to the log-in, and from there to where one was."""
    gateway.make("keys", name="app-of-rita")
    gateway.make("users", name="rita", password=PASSWORD, role="editor")
    web.log_in("rita")
    page = web.open("keys")
    page.get_by_role("grid").wait_for()
    status, _ = gateway.ask("PATCH", "users/rita", {"password": PASSWORD})
    assert status == 200
    page.get_by_role("textbox", name="Search keys by name").fill("app")
    page.get_by_label("User").fill("rita")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Virtual keys").wait_for()
    assert page.url.endswith("search=app")


def test_an_address_that_does_not_exist_says_so(web: Watched) -> None:
    """With a way back."""
    web.log_in()
    page = web.open("no-such-page")
    page.get_by_role("heading", name="This page does not exist").wait_for()
    page.get_by_role("link", name="Go to the start").click()
    page.get_by_role("navigation", name="Pages").first.wait_for()


def test_everything_by_keyboard(web: Watched, gateway: Gateway) -> None:
    """Two keys go to a page, a question mark lists the keys, the palette finds actions and objects by their names."""
    gateway.make("keys", name="by-keyboard")
    web.log_in()
    page = web.open("keys")
    page.get_by_role("grid").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.get_by_role("heading", name="Records").wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("Control+k")
    box = page.get_by_role("textbox", name="Search pages, actions and names")
    box.fill("create a virtual")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_text("New virtual key").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("Control+k")
    box.fill("Y-KEYBOARD")
    page.get_by_role("button", name="by-keyboard virtual key").wait_for()
    web.is_accessible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/keys?key=by-keyboard")


def test_the_palette_finds_objects_of_every_kind(web: Watched, gateway: Gateway) -> None:
    """Each opens on its page; asked for only once somebody types."""
    gateway.make("teams", name="quokka-team")
    gateway.make("customers", name="quokka-customer")
    gateway.make("users", name="quokka-user", password=PASSWORD, role="viewer")
    web.log_in()
    page = web.open("overview")
    assert not [one for one in web.requests if "/teams" in one]
    for name, kind, path in (
        ("quokka-team", "team", "teams?team=quokka-team"),
        ("quokka-customer", "customer", "teams?tab=customer&customer=quokka-customer"),
        ("quokka-user", "user", "users?user=quokka-user"),
        ("records.bodies", "setting", "settings?search=records.bodies"),
    ):
        page.keyboard.press("Control+k")
        page.get_by_role("textbox", name="Search pages, actions and names").fill(name)
        page.get_by_role("button", name=f"{name} {kind}", exact=True).click()
        page.wait_for_url(f"**/ui/{path}")
        page.keyboard.press("Escape")
