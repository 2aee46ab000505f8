"""The page of guardrails in a browser: a rule is made, tried on a text as it is typed, explained, and enforced."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.fakes.waiting import wait
from tests.ui.rig import Gateway, Watched

TOKEN = "ghp_" + "a1B2" * 9


def test_a_rule_is_made_tried_and_enforced(web: Watched, gateway: Gateway) -> None:
    """The bench highlights what the unsaved rule finds; saved, the rule acts on real calls and says where."""
    value = gateway.make("keys", name="guarded-app")["value"]
    wait(lambda: gateway.call(value, "hi")[0] == 200, "the key")
    web.log_in()
    page = web.open("guardrails?new=1")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name").first.fill("no-secrets")
    page.get_by_role("combobox", name="Action", exact=True).click()
    page.get_by_role("option", name="Block", exact=True).click()
    sheet.get_by_label("Text to check").fill(f"take {TOKEN} now")
    expect(sheet.get_by_test_id("highlighted").locator("mark")).to_contain_text(TOKEN)
    expect(sheet.get_by_role("status").get_by_text("Refused by no-secrets")).to_be_visible()
    web.is_accessible()
    web.shoot("guardrail")
    sheet.get_by_role("button", name="Create the guardrail").click()
    page.get_by_text("no-secrets is created.").wait_for()
    wait(lambda: gateway.call(value, f"take {TOKEN}")[0] == 400, "the rule in the workers")
    wait(lambda: gateway.ask("GET", "guardrails/hits")[1]["rules"] != [], "its record")
    page = web.open("guardrails")
    expect(page.get_by_role("region", name="Calls in which no-secrets acted")).to_be_visible()
    web.shoot("guardrails")
    page = web.open("guardrails?rule=no-secrets")
    expect(page.get_by_role("region", name="Where it acts").get_by_text("openai.chat", exact=True)).to_be_visible()
    web.is_accessible()
    gateway.ask("DELETE", "guardrails/no-secrets")


def test_the_bench_tries_all_rules(web: Watched, gateway: Gateway) -> None:
    """Those that are on; what would go on is shown."""
    gateway.make("guardrails", name="no-mail", checks=["pii"], action="redact", operations=["embeddings"])
    web.log_in()
    page = web.open("guardrails?try=1")
    page.get_by_label("Text to check").fill("write to me@example.org")
    expect(page.get_by_text("write to [EMAIL]")).to_be_visible()
    web.is_accessible()
    gateway.ask("DELETE", "guardrails/no-mail")
