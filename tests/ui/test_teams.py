"""The page of teams and customers in a browser: the tree with its usage, made, edited by two, and deleted."""

from __future__ import annotations

from tests.ui.rig import Gateway, Watched


def _owners(gateway: Gateway) -> str:
    """A customer with a team with a key, which has spent something; the key's value."""
    gateway.make("customers", name="acme", budgets=[{"amount_usd": 500, "window": "1M", "aligned": True}])
    limits = [{"metric": "tokens", "amount": 2_000_000, "window": "1h"}]
    gateway.make(
        "teams", name="growth", customer="acme", budgets=[{"amount_usd": 0.01, "window": "1d"}], rate_limits=limits
    )
    made = gateway.make("keys", name="growth-prod", team="growth", budgets=[{"amount_usd": 20, "window": "1w"}])
    return str(made.get("value", ""))


def test_the_tree_shows_what_is_used(web: Watched, gateway: Gateway) -> None:
    """Customer, team and key with a bar for each limit and when it resets; what is open is in the URL."""
    value = _owners(gateway)
    if value:
        assert gateway.call(value, "word " * 100, max_tokens=100)[0] == 200
    web.log_in()
    page = web.open("teams?tab=customer")
    page.get_by_role("button", name="What belongs to acme").click()
    teams = page.get_by_role("list", name="Teams of acme")
    teams.get_by_text("/ day").wait_for()
    page.get_by_role("button", name="What belongs to growth").click()
    page.get_by_role("list", name="Keys of growth").get_by_role("link", name="growth-prod").wait_for()
    page.get_by_text("frees up continuously").first.wait_for()
    page.get_by_text("resets in").first.wait_for()
    page.reload()
    page.get_by_role("link", name="growth-prod").wait_for()
    web.is_accessible()
    web.shoot("customers")
    page.get_by_role("link", name="growth-prod").click()
    page.get_by_role("dialog", name="growth-prod").wait_for()


def test_a_team_is_made_and_deleted(web: Watched, gateway: Gateway) -> None:
    """With a customer and a budget; what depends on it is named before anything is deleted."""
    _owners(gateway)
    web.log_in()
    page = web.open("teams?new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name").fill("made-here")
    sheet.get_by_role("combobox", name="Customer").click()
    page.get_by_role("option", name="acme").click()
    sheet.get_by_role("button", name="Add budget").click()
    sheet.get_by_label("Amount").fill("75")
    web.is_accessible()
    sheet.get_by_role("button", name="Create the team").click()
    page.get_by_text("made-here is created").wait_for()
    _, team = gateway.ask("GET", "teams/made-here")
    assert team["customer"] == "acme" and team["budgets"][0]["amount_usd"] == 75
    page.get_by_role("button", name="Actions for growth").click()
    page.get_by_role("menuitem", name="Delete").click()
    refused = page.get_by_role("dialog", name="growth cannot be deleted yet")
    refused.get_by_text("key growth-prod").wait_for()
    refused.get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name="Actions for made-here").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("made-here is deleted").wait_for()
    assert gateway.ask("GET", "teams/made-here")[0] == 404


def test_two_people_at_one_customer(web: Watched, gateway: Gateway) -> None:
    """Changed meanwhile: nothing is overwritten, and both are shown."""
    gateway.make("customers", name="both")
    web.log_in()
    page = web.open("teams?tab=customer&customer=both")
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name="Add budget").click()
    limits = [{"metric": "requests", "amount": 7, "window": "1m"}]
    assert gateway.ask("PATCH", "customers/both", {"rate_limits": limits})[0] == 200
    sheet.get_by_role("button", name="Save").click()
    conflict = page.get_by_role("dialog", name="Someone else changed this meanwhile")
    conflict.get_by_role("button", name="Apply my changes").click()
    page.get_by_text("both is saved").wait_for()
    _, customer = gateway.ask("GET", "customers/both")
    assert customer["rate_limits"][0]["amount"] == 7 and customer["budgets"]


def test_a_viewer_sees_and_does_not_change(web: Watched, gateway: Gateway) -> None:
    """No button to make, edit or delete; a sheet says why it is only to be read."""
    _owners(gateway)
    gateway.make("users", name="vic", password="a viewer's password", role="viewer")
    web.log_in("vic", "a viewer's password")
    page = web.open("teams")
    page.get_by_text("growth", exact=True).wait_for()
    assert page.get_by_role("button", name="New team").count() == 0
    page.get_by_role("button", name="growth", exact=True).click()
    page.get_by_role("dialog").get_by_text("Your role may read teams").wait_for()
    web.shoot("teams-sheet-viewer")
