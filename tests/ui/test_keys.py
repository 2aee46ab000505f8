"""The page of virtual keys in a browser: made, edited, switched off, and two people at one key."""

from __future__ import annotations

from tests.ui.rig import Gateway, Watched


def test_a_key_is_made_and_its_value_shown_once(web: Watched, gateway: Gateway) -> None:
    """The form makes a key that calls at once; after the dialog its value is nowhere on the page."""
    page = web.log_in()
    page.goto(f"{gateway.url}/ui/keys?new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name").fill("made-in-the-browser")
    sheet.get_by_role("button", name="Add budget").click()
    web.is_accessible()
    sheet.get_by_role("button", name="Make the key").click()
    value = page.get_by_label("Value").input_value()
    assert value.startswith("sk-asb-")
    status, said = gateway.call(value, "hi")
    assert status == 200, said
    page.get_by_role("button", name="I have stored it").click()
    page.get_by_role("row", name="made-in-the-browser").wait_for()
    assert value not in page.content()
