"""The rig itself: what it promises to fail on, it fails on."""

from __future__ import annotations

import pytest
from tests.ui.rig import Watched

MISTAKES = {
    "another host": "new Image().src = 'http://127.0.0.1:9/pixel.png'",
    "an inline script": "document.body.append(Object.assign(document.createElement('script'), {text: 'void 0'}))",
    "an inline style": "document.body.append(Object.assign(document.createElement('style'), {textContent: 'a{}'}))",
    "an error in the console": "console.error('wrong')",
    "an exception": "setTimeout(() => { throw new Error('wrong') })",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_on_a_page_is_noticed(web: Watched, mistake: str) -> None:
    """Each kind of mistake fails the test that made it."""
    page = web.open("login")
    page.get_by_label("User").wait_for()
    page.evaluate(f"() => {{ {MISTAKES[mistake]} }}")
    page.evaluate("() => new Promise(resolve => setTimeout(resolve))")
    with pytest.raises(AssertionError):
        web.check()
    web.forgive()


def test_a_flaw_is_noticed(web: Watched) -> None:
    """An image without a text is serious to axe."""
    page = web.open("login")
    page.get_by_label("User").wait_for()
    page.evaluate("() => document.querySelector('main').append(document.createElement('img'))")
    with pytest.raises(AssertionError, match="image-alt"):
        web.is_accessible()
