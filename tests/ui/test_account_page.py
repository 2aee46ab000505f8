"""The page of one's own account in a browser: another password, as a viewer."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.ui.rig import Gateway, Watched

FIRST, SECOND = "the first password", "the second password"


def test_a_viewer_changes_the_own_password(web: Watched, gateway: Gateway) -> None:
    """Reached by the person's menu; a wrong password is said at the field; the session goes on, others end."""
    gateway.make("users", name="wanda", password=FIRST, role="viewer")
    web.log_in("wanda", FIRST)
    page = web.open("keys")
    page.get_by_role("button", name="wanda").click()
    page.get_by_role("menuitem", name="Your account").click()
    page.get_by_label("Password now").fill("a wrong password")
    page.get_by_label("New password", exact=True).fill(SECOND)
    page.get_by_label("New password again").fill(SECOND)
    page.get_by_role("button", name="Change the password").click()
    page.get_by_text("This is not the password").wait_for()
    web.is_accessible()
    web.shoot("account")
    page.get_by_label("Password now").fill(FIRST)
    page.get_by_role("button", name="Change the password").click()
    page.get_by_text("Your password is changed").wait_for()
    page.reload()
    page.get_by_role("heading", name="Your account").wait_for()
    body = {"name": "wanda", "password": FIRST}
    assert gateway.send("POST", "/api/v1/session", body, "")[0] == 401


def test_logged_out_elsewhere(web: Watched, gateway: Gateway) -> None:
    """Every log-in is listed with its program; one that is ended there has to log in again, and this one goes on."""
    gateway.make("users", name="sasha", password=FIRST, role="viewer")
    web.log_in("sasha", FIRST)
    body = {"name": "sasha", "password": FIRST}
    for _ in range(2):
        assert gateway.send("POST", "/api/v1/session", body, "")[0] == 200
    page = web.open("account")
    sessions = page.get_by_role("region", name="Where you are logged in")
    expect(sessions.get_by_role("listitem")).to_have_count(3)
    expect(sessions.get_by_text("this one")).to_have_count(1)
    web.is_accessible()
    web.shoot("sessions")
    sessions.get_by_role("button", name="Log out unknown program").first.click()
    page.get_by_text("unknown program is logged out").wait_for()
    page.wait_for_function(
        "() => document.querySelectorAll('section[aria-labelledby=sessions-title] li').length === 2"
    )
    expect(page.get_by_role("button", name="Log out everywhere else")).to_have_count(0)
    page.reload()
    page.get_by_role("heading", name="Your account").wait_for()
