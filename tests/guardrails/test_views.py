"""Readings of texts: what is hidden in them is read, and its place is that of what hides it."""

from __future__ import annotations

import base64

import pytest

from asbru.guardrails.views import begun_view, views_of

SECRET = "ghp_a1B2c3D4e5F6g7H8"
TEXT = f"The quick brown fox jumps over the lazy dog and says {SECRET} to it, twice a day."


def places(text: str) -> list[str]:
    """What stands in the text for the secret, in each reading that shows it."""
    found: list[str] = []
    for view in views_of(text):
        at = view.text.find(SECRET)
        if at >= 0:
            start, end = view.span(at, at + len(SECRET))
            found.append(text[start:end])
    return found


@pytest.mark.parametrize(
    "unseen",
    [*"\u00ad\u200b\u200d\u2060\u2066\u202e\u3164\u115f\ufe00\ufe0f\ufeff\U000e0041\U000e0100", "\u200b\ufe0f\u2060"],
    ids=lambda one: one.encode("unicode_escape").decode(),
)
def test_what_cannot_be_seen_hides_nothing(unseen: str) -> None:
    """Whatever Unicode has that is not shown may stand within a secret, once or between all of its characters."""
    once = f"é {SECRET[:6]}{unseen}{SECRET[6:]} ❤\ufe0f"
    assert places(once) == [f"{SECRET[:6]}{unseen}{SECRET[6:]}"]
    (found,) = places(f"✔\ufe0f key: {unseen.join(SECRET)}.")
    assert found == unseen.join(SECRET)


@pytest.mark.parametrize("unseen", ["\\u200b", "\\\\u200b", "\\uFEFF", "\\u00ad", "%E2%80%8B", "%e2%80%8d"])
def test_escapes_of_what_cannot_be_seen(unseen: str) -> None:
    """So may their escapes, in JSON within a text and in addresses."""
    hidden = f"{SECRET[:6]}{unseen}{SECRET[6:]}"
    assert places(f"say {hidden} now") == [hidden]
    for cut in range(1, len(unseen)):
        view, whole = begun_view(f"say {SECRET[:6]}{unseen[:cut]}")
        assert whole == len(f"say {SECRET[:6]}"), "an escape that is not whole waits"
        assert view.text.startswith("say ghp_")


@pytest.mark.parametrize("escape", ["\\u{:04x}", "\\\\u{:04x}", "\\\\\\\\u{:04X}", "%{:02x}"])
def test_escaped_characters(escape: str) -> None:
    """A secret in escapes is read, also where JSON stands in JSON."""
    hidden = "".join(escape.format(ord(char)) for char in SECRET)
    assert places(f"a {hidden} b") == [hidden]


def test_a_variation_of_an_emoji_is_no_secret() -> None:
    """Texts with emoji are read once: their selectors hide nothing."""
    assert len(list(views_of("❤\ufe0f done ✔\ufe0f"))) == 1


@pytest.mark.parametrize("width", [24, 60, 64, 76])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\\n", "\\r\\n"])
def test_base64_over_several_lines(width: int, line_end: str) -> None:
    """Programs break base64 into lines: a secret that a break cuts is read, and all the lines are its place."""
    held = base64.b64encode(TEXT.encode()).decode()
    lines = line_end.join(held[at : at + width] for at in range(0, len(held), width))
    (found,) = places(f"file:\n\n{lines}")
    assert found.rstrip("=") == lines.rstrip("=")


def test_a_line_of_base64_before_a_word() -> None:
    """A word in the line after it does not hide what a line of base64 holds."""
    held = base64.b64encode(TEXT.encode()).decode().rstrip("=")
    assert places(f"{held}\nthanks") == [held]


def test_base64_of_text_that_is_not_ascii() -> None:
    """Text is text in whatever script."""
    held = base64.b64encode(f"é — {TEXT}".encode()).decode()
    assert places(held) == [held.rstrip("=")]


def test_base64_of_data_is_left_alone() -> None:
    """An image holds no text to read."""
    held = base64.b64encode(bytes(range(256)) * 4).decode()
    assert [view.text for view in views_of(held)] == [held]
