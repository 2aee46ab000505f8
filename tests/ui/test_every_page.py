"""What holds for every page: it opens with few requests, has no serious flaw, and fits a phone."""

from __future__ import annotations

import re

import pytest
from tests.ui.rig import ROOT, Watched

REQUESTS_MAX = 3
TABS = (
    "mcp?tab=tools",
    "mcp?tab=groups",
    "mcp?tab=connect",
    "users?tab=tokens",
    "users?tab=roles",
    "teams?tab=customer",
    "limits?scope=model",
    "limits?scope=provider_key",
    "overview?by=team&range=7d",
    "playground?two=1&model=mock/echo&other=mock/story",
)
"""Other looks of pages that have an address."""


def paths() -> list[str]:
    """The paths that the pages declare."""
    found = (re.search(r'^ +path: "([^"]+)"', one.read_text(), re.M) for one in ROOT.glob("ui/src/pages/*/page.ts"))
    return sorted(match[1] for match in found if match)


def test_pages_are_found() -> None:
    """The list is not empty for a wrong reason."""
    assert {"overview", "records", "keys"} <= set(paths())


def test_shortcuts_lead_to_one_page_each() -> None:
    """No two pages have the same key after `g`."""
    found = [re.search(r'^ +key: "(.)"', one.read_text(), re.M) for one in ROOT.glob("ui/src/pages/*/page.ts")]
    keys = [match[1] for match in found if match]
    assert len(keys) > 5 and len(keys) == len(set(keys)), sorted(keys)


@pytest.mark.parametrize("path", [*paths(), *TABS])
def test_a_page_opens_lightly_and_is_accessible(web: Watched, path: str) -> None:
    """At most three requests to the API show it, who one is among them, not counting that a page asks the same again
    after seconds; axe finds nothing serious; at 390 px nothing is wider than the screen."""
    web.log_in()
    page = web.open(path)
    page.get_by_role("heading", level=1).wait_for()
    asked = {re.sub(r"(since|until)_ms=\d+", "", one) for one in web.requests if "/api/" in one}
    assert len(asked) <= REQUESTS_MAX, asked
    web.is_accessible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.documentElement.scrollWidth <= 390")
