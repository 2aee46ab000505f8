"""Log lines that cannot flood."""

from __future__ import annotations

from asbru.telemetry.limited import KINDS_MAX, LINES_MAX, WINDOW_S, LimitedLog


class Lines:
    """Keeps what would be written."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, dict[str, object]]] = []

    def __call__(self, level: str, event: str, **fields: object) -> None:
        self.kept.append((level, event, fields))


def test_a_kind_is_bounded_and_what_is_left_out_is_counted() -> None:
    """Of one kind five lines in ten seconds; others are not held up; the count comes with the end of the window."""
    lines = Lines()
    limited = LimitedLog(lines)
    for number in range(LINES_MAX + 7):
        limited.say(100.0, "warning", "attempt failed", ("openai", "k1", "429"), call=number)
    limited.say(100.0, "warning", "attempt failed", ("openai", "k2", "429"), call="other")
    assert [fields["call"] for _, _, fields in lines.kept] == [*range(LINES_MAX), "other"]
    limited.tick(100.0 + WINDOW_S / 2)
    assert len(lines.kept) == LINES_MAX + 1
    limited.tick(100.0 + WINDOW_S)
    assert lines.kept[-1] == (
        "warning",
        "attempt failed: lines left out",
        {"lines": 7, "in_s": WINDOW_S, "about": "openai/k1/429"},
    )
    limited.tick(100.0 + 3 * WINDOW_S)
    assert len(lines.kept) == LINES_MAX + 2


def test_a_new_window_lets_lines_through_again() -> None:
    """Whether or not anyone ticked in between, the count of the old window is written first."""
    lines = Lines()
    limited = LimitedLog(lines)
    for _ in range(LINES_MAX + 1):
        limited.say(0.0, "info", "fallback", ("a",))
    limited.say(WINDOW_S, "info", "fallback", ("a",), again=True)
    assert [event for _, event, _ in lines.kept[-2:]] == ["fallback: lines left out", "fallback"]
    limited.close()
    assert len(lines.kept) == LINES_MAX + 2


def test_kinds_are_bounded() -> None:
    """Statuses are a provider's own choice: beyond the bound they share one kind, and one limit."""
    lines = Lines()
    limited = LimitedLog(lines)
    for number in range(KINDS_MAX + 100):
        limited.say(0.0, "warning", "attempt failed", (str(number),))
    assert len(lines.kept) == KINDS_MAX + LINES_MAX
