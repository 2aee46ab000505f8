"""Claude Code and refusals: it stops at once, and shows why and until when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from clients import claude_code
from clients.gateway import KEY, Gateway, loopback
from clients.refusals import CALLS_MAX, REFUSALS, refusing
from tests.fakes.upstream import FakeUpstream

from asbru.dialects.anthropic_messages import DIALECT

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("kind", REFUSALS)
def test_one_refusal_is_one_call(tmp_path: Path, kind: str) -> None:
    """Each kind of refusal ends the run with at most two calls, and with our words as they are."""
    error = REFUSALS[kind]
    with refusing(DIALECT, error) as (url, asked):
        run = claude_code.run("hello", tmp_path, env={"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY})
    assert 1 <= len(asked) <= CALLS_MAX
    shown = run.result["result"]
    assert error.message in shown and "Failed to authenticate" not in shown


def test_a_forbidden_model_says_what_is_permitted(tmp_path: Path) -> None:
    """The whole way: a key for one model, another chosen in Claude Code."""
    key = {"name": "team", "value": KEY, "models": ["anthropic/claude-haiku-4-5"]}
    with FakeUpstream() as upstream:
        config = {"providers": {"anthropic": loopback(f"{upstream.url}/v1")}, "virtual_keys": [key]}
        with Gateway(tmp_path, config) as gateway:
            env = {"ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic", "ANTHROPIC_API_KEY": KEY}
            run = claude_code.run("hello", tmp_path, "--model", "anthropic/claude-opus-5-5", env=env)
            rows = gateway.records(1, error_code="model_not_allowed")
        assert not upstream.requests
    assert len(rows) <= CALLS_MAX
    assert "it may use 'anthropic/claude-haiku-4-5'" in run.result["result"]


@pytest.mark.parametrize(
    ("limits", "code", "words"),
    [
        (
            {"budgets": [{"amount_usd": 0.000001, "window": "1d", "aligned": True}]},
            "budget_exceeded",
            "budget of 0.000001 USD",
        ),
        ({"rate_limits": [{"metric": "tokens", "amount": 10, "window": "1h"}]}, "rate_limit_exceeded", "10 tokens"),
    ],
    ids=["budget", "rate"],
)
def test_a_limit_of_the_team_ends_the_run(tmp_path: Path, limits: dict[str, Any], code: str, words: str) -> None:
    """The whole way, by limits of the configuration: nothing is sent, and the team's limit is on the screen."""
    with FakeUpstream() as upstream:
        config = {
            "providers": {"anthropic": loopback(f"{upstream.url}/v1")},
            "teams": [{"name": "blue", **limits}],
            "virtual_keys": [{"name": "team", "value": KEY, "team": "blue"}],
        }
        with Gateway(tmp_path, config) as gateway:
            env = {"ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic", "ANTHROPIC_API_KEY": KEY}
            run = claude_code.run("hello", tmp_path, "--model", "anthropic/claude-haiku-4-5", env=env)
            rows = gateway.records(1, error_code=code)
        assert not upstream.requests
    assert len(rows) <= CALLS_MAX
    assert "team 'blue'" in run.result["result"] and words in run.result["result"]
