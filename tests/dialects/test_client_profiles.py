"""Client profiles: what a refusal is sent with, by who asks."""

from __future__ import annotations

import re

import pytest

from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.client_profiles import ClientProfile, Shown, shown_to
from asbru.dialects.gemini import DIALECT as GEMINI
from asbru.dialects.openai_chat import DIALECT as OPENAI

CLAUDE = b"claude-cli/2.1.330 (external, sdk-cli)"
NO_RETRY = b"x-should-retry: false\r\n"


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (401, Shown(401)),
        (402, Shown(402)),
        (403, Shown(429, NO_RETRY)),
        (404, Shown(404)),
        (429, Shown(429, NO_RETRY)),
        (500, Shown(500)),
        (503, Shown(429, NO_RETRY)),
    ],
)
def test_claude_code_gets_what_it_stops_on(status: int, shown: Shown) -> None:
    """Measured: on these it makes one call and shows our words; a plain 403 it takes for a failed sign-in, and 429 and
    503 for something to wait for."""
    assert shown_to(CLAUDE, status, ANTHROPIC.surface.clients) == shown


def test_agents_of_the_chat_surface_get_what_they_stop_on() -> None:
    """Measured: 429 and 503 they take for something to wait for, and opencode also words such as `rate_limit` in the
    body; on 402 and 403 they make one call and show our words."""
    profiles = OPENAI.surface.clients
    assert [
        shown_to(b"QwenCode/0.24.4 (linux; x64)", status, profiles).status for status in (402, 403, 429, 503)
    ] == [
        402,
        403,
        403,
        403,
    ]
    for status in (402, 403, 429, 503):
        shown = shown_to(b"opencode/1.18.33 ai-sdk/provider-utils/4.0.23", status, profiles)
        assert shown.status == (402 if status == 402 else 403) and b"retry-after-ms: " in shown.lines
        assert not re.search("rate_?limit|overloaded|unavailable|exhausted", str(shown.type_and_code))
        assert (shown.type_and_code is not None) is (status in {429, 503})


def test_gemini_cli_gets_what_it_stops_on() -> None:
    """Measured: on 402 and 403 it makes one call and shows our words; 429 and 503 it waits for."""
    agent = b"GeminiCLI-tui/0.61.0/gemini-2.5-pro (linux; x64; terminal)"
    shown = [shown_to(agent, status, GEMINI.surface.clients) for status in (402, 403, 429, 503)]
    assert [one.status for one in shown] == [402, 403, 403, 403]


@pytest.mark.parametrize("agent", [b"", b"curl/8", b"Anthropic/Python 0.60", b"my claude-cli/1"])
def test_others_get_the_plain_status(agent: bytes) -> None:
    """Whoever is not known to need more; also Claude Code on another surface."""
    assert shown_to(agent, 403, ANTHROPIC.surface.clients) == Shown(403)
    assert shown_to(CLAUDE, 403, OPENAI.surface.clients) == Shown(403)


def test_the_first_profile_that_fits_counts() -> None:
    """So a newer version of a client may stand before its family."""
    profiles = (ClientProfile(b"a/2", {403: Shown(402)}), ClientProfile(b"a/", {403: Shown(429)}))
    assert [shown_to(agent, 403, profiles).status for agent in (b"a/2.1", b"a/1")] == [402, 429]
