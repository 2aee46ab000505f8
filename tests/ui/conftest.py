"""One gateway and one browser for the tests of the UI that a process runs; a fresh context for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.ui.rig import Gateway, Watched, launch

ELSEWHERE = frozenset(
    f"test_{name}.py"
    for name in (
        *(
            "account_page",
            "cache_page",
            "changes_page",
            "fallbacks_page",
            "guardrails_page",
            "limits_page",
            "mcp_page",
        ),
        *(
            "models",
            "playground",
            "prices_page",
            "providers",
            "sessions_page",
            "settings_page",
            "system_page",
            "teams",
        ),
    )
)
"""Single pages, which `make clients` drives: `make test` has time for the ways through the UI and one look at each."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave them out of `make test`, which asks for it."""
    if os.environ.get("ASBRU_UI_SHORT"):
        out = [one for one in items if one.path.parent.name == "ui" and one.path.name in ELSEWHERE]
        config.hook.pytest_deselected(items=out)
        gone = {*out}
        items[:] = [one for one in items if one not in gone]


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with its first admin."""
    with Gateway(tmp_path_factory.mktemp("ui")) as served:
        served.set_up()
        yield served


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that was never set up, for one test alone."""
    with Gateway(tmp_path) as served:
        yield served


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium without a window, one for all tests of this folder that a process runs. Not of the session: as long as
    Playwright runs, its event loop does, and the tests of other folders want one of their own."""
    playwright, started = launch()
    yield started
    started.close()
    playwright.stop()


@pytest.fixture
def web(browser: Browser, gateway: Gateway) -> Iterator[Watched]:
    """A page of the gateway, nobody logged in. Fails at its end for whatever went wrong unseen."""
    yield from watched(browser, gateway)


@pytest.fixture
def fresh_web(browser: Browser, fresh: Gateway) -> Iterator[Watched]:
    """Likewise, of a gateway that was never set up."""
    yield from watched(browser, fresh)


def watched(browser: Browser, served: Gateway) -> Iterator[Watched]:
    """A page in a context of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    one = Watched(context, served)
    yield one
    one.check()
    context.close()
