"""Which session of which agent a call belongs to."""

from __future__ import annotations

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.build import watched_headers
from asbru.app.snapshot import Snapshot
from asbru.pipeline.agents import agent_of

CLAUDE = b"user-agent: claude-cli/2.0.1 (external, cli)"


@pytest.mark.parametrize(
    ("lines", "columns"),
    [
        ((b"x-claude-code-session-id: s1", CLAUDE), ("s1", "claude-cli")),
        ((b"X-Asbru-Run: r1", b"x-asbru-session: s1"), ("r1", "")),
        ((b"x-asbru-session: s1", b"x-session-affinity: s2", CLAUDE), ("s1", "claude-cli")),
        ((b"x-session-affinity: s2",), ("s2", "")),
        ((b"session-id: " + b"x" * 300,), ("x" * 128, "")),
        ((b"x-session-affinity: " + b"x" * 300,), ("x" * 128, "")),
        ((CLAUDE,), ("", "")),
        ((b"x-asbru-provider: a", CLAUDE), ("", "")),
    ],
)
def test_the_record_names_the_session(
    lines: tuple[bytes, ...], columns: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that limits count before the session by which targets are chosen, also where there is nothing to choose;
    the program only with a session."""
    inside = Inside(Snapshot(providers=(provider("a"),)), monkeypatch)
    assert inside.door.rooms is not None
    inside.server.watch(watched_headers(inside.door.rooms))
    inside.script("a", answer(200, b"{}"))
    body = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}]}
    assert inside.call("/v1/chat/completions", body, *lines).status == 200
    row = inside.recorder.rows[-1]
    assert (row["session"], row["agent"]) == columns


@pytest.mark.parametrize(
    ("user_agent", "agent"),
    [
        (b"claude-cli/2.0.1 (external, cli)", "claude-cli"),
        (b"codex_cli_rs/0.39.0 (Debian 12; x86_64)", "codex_cli_rs"),
        (b"GeminiCLI/v0.8.1 (linux; x64)", "GeminiCLI"),
        (b"OpenAI/Python 1.99.0", "OpenAI/Python"),
        (b"  curl", "curl"),
        (b"(only a comment)", ""),
        (b"", ""),
        (b"\xff\xfe/1", "\xff\xfe"),
        (b"x" * 5000, "x" * 64),
    ],
)
def test_the_program_is_named_without_its_version(user_agent: bytes, agent: str) -> None:
    """So that the calls of a program are found whatever its version; bounded, whatever was sent."""
    assert agent_of(user_agent) == agent
