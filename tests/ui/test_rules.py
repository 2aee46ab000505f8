"""The page of routing rules in a browser: a condition is built of rows and routes a call, what rows cannot show stays,
a dry run says where a recent call would go, two people at one rule."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.fakes.waiting import wait
from tests.ui.rig import Gateway, Watched

AGENT = 'headers["user-agent"].contains("claude-cli")'
WEIGHTED = [{"provider": "mock", "model": "story", "weight": 7}, {"provider": "mock", "model": "echo", "weight": 3}]


def choose(page: Page, label: str, option: str) -> None:
    """Choose in a list."""
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_rule_is_built_tried_and_routes(web: Watched, gateway: Gateway) -> None:
    """Rows make the condition; the dry run says that it applies to a described call; saved, it routes a real one."""
    value = gateway.make("keys", name="rules-app")["value"]
    wait(lambda: gateway.call(value, "hi")[0] == 200, "the key")
    web.log_in()
    page = web.open("rules?new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name").first.fill("stories")
    sheet.get_by_role("button", name="Add condition").click()
    sheet.get_by_label("Value 1").fill("mock/old")
    choose(page, "Operator 1", "begins with")
    sheet.get_by_role("button", name="Add condition").click()
    choose(page, "Field 2", "Virtual key")
    sheet.get_by_label("Value 2").fill("rules-app")
    sheet.get_by_label("Value 1").fill("old")
    expect(sheet.get_by_label("The condition in CEL")).to_have_text(
        'model.startsWith("old") && virtual_key_name == "rules-app"'
    )
    choose(page, "Provider", "mock")
    sheet.get_by_label("Model", exact=True).first.fill("echo")
    sheet.get_by_text("Describe one").click()
    sheet.get_by_label("Model", exact=True).last.fill("mock/old-one")
    sheet.get_by_label("Virtual key", exact=True).fill("rules-app")
    web.is_accessible()
    sheet.get_by_role("button", name="Try it").click()
    sheet.get_by_text("This rule applies to the call").wait_for()
    sheet.get_by_text("mock/echo").first.wait_for()
    web.is_accessible()
    sheet.get_by_role("region", name="Dry run").scroll_into_view_if_needed()
    web.shoot("rule")
    sheet.get_by_role("button", name="Create the rule").click()
    page.get_by_text("stories is created.").wait_for()
    wait(lambda: gateway.call(value, "routed", "mock/old-one")[0] == 200, "the rule in the workers")


def test_rules_are_in_the_order_of_evaluation(web: Watched, gateway: Gateway) -> None:
    """Scope by scope, then by priority, with three requests; a link opens one, by its id with slashes."""
    gateway.make("teams", name="blue")
    gateway.make("routing-rules", name="agents", when=AGENT, to=WEIGHTED, priority=3)
    gateway.make("routing-rules", name="late", when='model == "never"', to=WEIGHTED, priority=9)
    owned = {"scope": "team", "owner": "blue"}
    gateway.make("routing-rules", name="of the team", when="budget_used > 80.0", to=WEIGHTED, **owned)
    web.log_in()
    web.requests.clear()
    page = web.open("rules")
    table = page.get_by_role("grid", name="Routing rules")
    table.get_by_role("row", name="late").wait_for()
    assert len([one for one in web.requests if "/api/" in one]) <= 3
    rows = table.get_by_role("row").all()[1:]
    names = [row.get_by_role("gridcell").first.inner_text() for row in rows]
    ordered = [name for name in names if name in ("of the team", "agents", "late")]
    assert ordered == ["of the team", "agents", "late"]
    web.is_accessible()
    web.shoot("rules")
    table.get_by_role("row", name="of the team").click()
    page.get_by_role("dialog").get_by_label("Value 1").wait_for()
    web.shoot("rule-builder")
    page.reload()
    expect(page.get_by_role("dialog").get_by_label("Value 1")).to_have_value("80")


def test_what_rows_cannot_show_is_kept(web: Watched, gateway: Gateway) -> None:
    """A part of a condition beyond rows is a row of text; a change beside it leaves it as it was written."""
    when = '(size(model) > 30 || provider == model) && surface == "openai"'
    gateway.make("routing-rules", name="odd", when=when, to=WEIGHTED)
    web.log_in()
    page = web.open("rules?rule=global%2Fodd")
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_label("Condition 1 1, as text")).to_have_value("size(model) > 30")
    choose(page, "Value 2", "anthropic")
    sheet.get_by_role("button", name="Save").click()
    page.get_by_text("odd is saved.").wait_for()
    assert gateway.ask("GET", "routing-rules/global/odd")[1]["when"] == when.replace("openai", "anthropic")


def test_a_flaw_of_the_condition_has_its_place(web: Watched, gateway: Gateway) -> None:
    """The dry run reports what is wrong with a condition, with line and column, before anything is saved."""
    gateway.make("routing-rules", name="flawed", when='model == "never"', to=WEIGHTED)
    web.log_in()
    page = web.open("rules?rule=global%2Fflawed")
    sheet = page.get_by_role("dialog")
    sheet.get_by_text("Text", exact=True).click()
    sheet.get_by_label("Condition in CEL").fill('modl == "x"')
    sheet.get_by_text("Describe one").click()
    sheet.get_by_label("Model", exact=True).last.fill("mock/echo")
    sheet.get_by_role("button", name="Try it").click()
    sheet.get_by_text("Unknown variable 'modl'").wait_for()
    sheet.get_by_text("line 1, column 1").wait_for()


def test_a_recent_call_is_tried(web: Watched, gateway: Gateway) -> None:
    """The dry run of all rules takes a recorded call and shows where it would go now."""
    value = gateway.make("keys", name="rules-recent")["value"]
    wait(lambda: gateway.call(value, "hi")[0] == 200, "a call")
    wait(lambda: gateway.ask("GET", "records?caller=rules-recent")[1]["items"], "its record")
    gateway.make("routing-rules", name="recent", when='virtual_key_name == "rules-recent"', to=WEIGHTED, priority=-5)
    web.log_in()
    record = gateway.ask("GET", "records?caller=rules-recent")[1]["items"][0]["id"]
    page = web.open(f"rules?try=1&record={record}")
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name="Try it").click()
    sheet.get_by_text("Decided by recent").wait_for()
    sheet.get_by_text("70 %").wait_for()
    web.is_accessible()
    web.shoot("rules-trial")


def test_two_people_at_one_rule(web: Watched, gateway: Gateway) -> None:
    """A rule that was changed meanwhile is not overwritten: my change is applied on top of theirs."""
    gateway.make("routing-rules", name="shared", when='model == "never"', to=WEIGHTED)
    web.log_in()
    page = web.open("rules?rule=global%2Fshared")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Priority").fill("4")
    assert gateway.ask("PATCH", "routing-rules/global/shared", {"enabled": False})[0] == 200
    sheet.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Apply my changes").click()
    page.get_by_text("shared is saved.").wait_for()
    stored = gateway.ask("GET", "routing-rules/global/shared")[1]
    assert stored["priority"] == 4 and stored["enabled"] is False
