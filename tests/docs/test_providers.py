"""The page of providers: it is what the records say, and their own pages are all linked."""

from __future__ import annotations

from asbru.providers import discover
from tools import providers_page


def test_the_page_is_up_to_date() -> None:
    """docs/reference/providers.md is what tools/providers_page.py writes."""
    text = providers_page.PAGE.read_text(encoding="utf-8")
    assert text == providers_page.page(), "run: python tools/providers_page.py"


def test_every_provider_is_on_the_page() -> None:
    """Each type has a row in each table, and a link to its own page."""
    text = providers_page.page()
    for name, provider in discover().items():
        assert text.count(f"| `{name}` |") == 2 * len(provider.access) + 1
        assert f"(../../src/asbru/providers/{name}/README.md)" in text
