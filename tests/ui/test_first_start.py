"""The first start, as a person goes through it: from the set-up token to a call seen arriving."""

from __future__ import annotations

from playwright.sync_api import Route, expect
from tests.ui.rig import ADMIN, PASSWORD, SETUP_TOKEN, Watched

from asbru.providers import discover

TESTED_MS = 30_000
"""A provider is compiled and asked before the next step."""


def test_the_wizard_ends_with_a_call_that_was_answered(fresh_web: Watched) -> None:
    """Token, admin, mock, key, call: each step leads to the next, and the call is shown once it is recorded,
    at once also in the charts of the overview. Every type of provider is offered; when all is done, the wizard does not
    begin anew."""
    page = fresh_web.open("")
    assert page.get_by_label("Set-up token").input_value() == ""
    page.goto(f"{fresh_web.gateway.url}/ui/start#{SETUP_TOKEN}")
    expect(page.get_by_label("Set-up token")).to_have_value(SETUP_TOKEN)
    page.get_by_label("User").fill(ADMIN)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password once more").fill(PASSWORD)
    fresh_web.is_accessible()
    fresh_web.shoot("first-start-1")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/openapi.json", hold)
    page.get_by_role("button", name="Create and log in").click()
    page.get_by_role("button", name="Use the mock").wait_for()
    page.get_by_role("radio", name="A provider").check()
    expect(page.get_by_text("Loading the form")).to_be_visible()
    expect(page.get_by_role("button", name="Save and test")).to_be_disabled()  # there is no form to save
    held.pop().continue_()
    page.get_by_role("textbox", name="Type").or_(page.get_by_role("combobox", name="Type")).first.click()
    page.get_by_role("option").nth(len(discover()) - 2).wait_for()
    page.get_by_role("option", name="vLLM").click()
    page.get_by_label("Base URL").wait_for()
    fresh_web.is_accessible()
    fresh_web.shoot("first-start-2")
    page.get_by_role("radio", name="Mock").check()
    page.get_by_role("button", name="Use the mock").click()
    page.get_by_role("button", name="Create the key").click(timeout=TESTED_MS)
    page.get_by_role("button", name="Send a call from here").wait_for()
    fresh_web.is_accessible()
    page.get_by_role("button", name="Send a call from here").click()
    page.get_by_text("The first call has arrived").wait_for()
    fresh_web.shoot("first-start-4")
    page.get_by_role("link", name="Open the UI").first.click()
    page.get_by_role("navigation", name="Pages").first.wait_for()
    page.get_by_role("button", name="Requests: show as a table").click()
    page.get_by_role("region", name="Requests as a table").get_by_role("cell", name="1", exact=True).wait_for()
    page.goto(f"{fresh_web.gateway.url}/ui/start")
    page.wait_for_url("**/ui/overview")
