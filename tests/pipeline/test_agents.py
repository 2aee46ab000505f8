"""Which session of which agent a call belongs to."""

from __future__ import annotations

import pytest

from asbru.pipeline.agents import agent_of


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
