"""Names and words that come from elsewhere are text on every page, whatever they hold."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Route
from tests.ui.rig import ROOT, Gateway, Watched

MARKUP = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
WORDS = {"name", "description", "team", "customer", "reason", "key", "owner", "pattern", "base_url", "instructions"}
TOOL = {"server": "docs", "name": "look", "description": "Looks.", "held": False}
SERVER = {"name": "docs", "state": "ready", "reason": "", "era": "", "version": "", "endpoint": "", "grants": []}
SHOWN = {
    **SERVER,
    **dict.fromkeys(("tools", "resources", "resource_templates", "prompts", "held"), 0),
    "instructions": "Use it.",
    "offers": {
        "tools": [
            {"name": "look", "digest": "1", "held": False, "definition": {"name": "look", "description": "Looks."}}
        ],
        "resources": [],
        "resource_templates": [],
        "prompts": [],
    },
}
PERMITTED = {"key": "app", "team": None, "owner": "team/blue", "pattern": "docs/*"}
ANSWERS = {
    "mcp/tools": {"items": [TOOL], "more": 0},
    "mcp/servers": {"items": [SHOWN], "next": None},
    "mcp/servers/docs": SHOWN,
    "mcp/access": {"items": [PERMITTED], "next": None},
}
"""Of the tools, which a gateway without MCP servers has none of."""
PAGES = ("keys", "teams", "providers", "rules", "mcp", "mcp?tab=tools")


def hostile(value: Any) -> Any:
    """The same with markup in all that is a name or a text."""
    if isinstance(value, dict):
        return {
            key: f"{one} {MARKUP}" if key in WORDS and isinstance(one, str) else hostile(one)
            for key, one in value.items()
        }
    return [hostile(one) for one in value] if isinstance(value, list) else value


def test_names_and_descriptions_stay_text(web: Watched, gateway: Gateway) -> None:
    """Markup in names of keys, teams, providers, rules and tools, and in descriptions of tools: it is shown as it is
    written, no element comes of it, and no script runs."""
    gateway.make("teams", name="plain")
    gateway.make("keys", name="plain-key", team="plain")
    gateway.make(
        "routing-rules", name="plain-rule", when='model == "never"', to=[{"provider": "mock", "model": "echo"}]
    )
    web.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    web.log_in()

    def answer(route: Route) -> None:
        path = route.request.url.partition("/api/v1/")[2].partition("?")[0]
        if route.request.method != "GET" or path in ("me", "openapi.json"):
            route.continue_()
            return
        known = ANSWERS.get(path)
        route.fulfill(json=hostile(route.fetch().json() if known is None else known))

    web.page.route("**/api/v1/**", answer)
    for path in PAGES:
        page = web.open(path)
        page.get_by_text(MARKUP).first.wait_for()
        assert page.locator("img[src=x]").count() == 0, path
    page.get_by_text(MARKUP).first.click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("region", name="Definition").wait_for()
    sheet.get_by_role("region", name="Who may use it").get_by_text(MARKUP).first.wait_for()
    assert page.locator("img[src=x]").count() == 0


def test_no_page_writes_markup() -> None:
    """Everything goes through React, which escapes: no source sets HTML."""
    for path in ROOT.glob("ui/src/**/*.ts*"):
        text = path.read_text()
        assert not any(one in text for one in ("dangerouslySetInnerHTML", "innerHTML", "insertAdjacentHTML")), path
