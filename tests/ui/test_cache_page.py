"""The page of the cache in a browser: what it saved, and clearing it."""

from __future__ import annotations

from tests.ui.rig import Gateway, Watched, wait


def test_hits_are_shown_and_entries_cleared(web: Watched, gateway: Gateway) -> None:
    """A hit counts and leads to its record; a clearing asks first, and then the same call is sent again."""
    assert gateway.ask("PATCH", "settings", {"cache.enabled": True})[0] == 200
    try:
        value = gateway.make("keys", name="cached")["value"]

        def is_served() -> bool:
            gateway.call(value, "the same")
            return gateway.ask("GET", "cache")[1]["use"]["hits"] > 0

        wait(is_served, "a hit", 30)
        web.log_in()
        page = web.open("cache")
        page.get_by_text("Hit rate").wait_for()
        page.get_by_role("link", name="From the cache").wait_for()
        page.get_by_role("region", name="Hits and misses").wait_for()
        page.get_by_role("region", name="Saved over time").wait_for()
        web.is_accessible()
        web.shoot("cache")
        page.get_by_label("Entries by").select_option("prefix")
        page.get_by_label("Key prefix").fill("key:cached/")
        page.get_by_role("button", name="Clear…").click()
        page.get_by_role("dialog").get_by_role("button", name="Clear").click()
        page.get_by_text("The cache is cleared.").wait_for()
    finally:
        assert gateway.ask("PATCH", "settings", {"cache.enabled": None})[0] == 200
