"""opencode, qwen-code, Gemini CLI and refusals: they stop at once, and show why and until when."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clients import agents
from clients.gateway import KEY, Gateway, loopback
from clients.refusals import CALLS_MAX, REFUSALS, refusing
from tests.fakes.upstream import FakeUpstream

from asbru.dialects import Dialect
from asbru.dialects.gemini import DIALECT as GEMINI
from asbru.dialects.openai_chat import DIALECT as OPENAI

pytestmark = pytest.mark.clients

Agent = Callable[[str, Path, agents.Target], str]

AGENTS: dict[str, tuple[Agent, Dialect]] = {
    "opencode": (agents.opencode, OPENAI),
    "qwen-code": (agents.qwen_code, OPENAI),
    "gemini-cli": (agents.gemini_cli, GEMINI),
}
"""Each with the dialect of the surface that it uses."""
CHAT_AGENTS = [name for name, (_, dialect) in AGENTS.items() if dialect is OPENAI]


def told(run: Agent, folder: Path, target: agents.Target) -> str:
    """What an agent printed that could not do its work."""
    with pytest.raises(agents.FailedError) as failed:
        run("hello", folder / "agent", target)
    return failed.value.printed


def use_up(target: agents.Target) -> None:
    """Make the only request of the hour; what comes of it does not matter."""
    connection = http.client.HTTPConnection(target.url.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        body = json.dumps({"model": target.model, "messages": [{"role": "user", "content": "hi"}]})
        headers = {"authorization": f"Bearer {target.key}", "content-type": "application/json"}
        connection.request("POST", "/openai/v1/chat/completions", body, headers)
        connection.getresponse().read()


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("kind", REFUSALS)
def test_one_refusal_is_one_call(tmp_path: Path, agent: str, kind: str) -> None:
    """Each kind of refusal ends the run, with at most two calls in all (opencode asks for a title beside the reply),
    and with our words as they are."""
    error = REFUSALS[kind]
    run, dialect = AGENTS[agent]
    with refusing(dialect, error) as (url, asked):
        shown = told(run, tmp_path, agents.Target(url, KEY, "m"))
    assert 1 <= len(asked) <= CALLS_MAX
    assert error.message in shown


@pytest.mark.parametrize("agent", CHAT_AGENTS)
@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"budgets": [{"amount_usd": 0.000001, "window": "1d", "aligned": True}]}, "0.000001 USD"),
        (
            {"rate_limits": [{"metric": "requests", "amount": 1, "window": "1h"}]},
            "its 1 requests per hour; this call would be one more; it resets at 2",
        ),
    ],
    ids=["budget", "rate"],
)
def test_a_limit_of_the_team_ends_the_run(tmp_path: Path, agent: str, limits: dict[str, Any], words: str) -> None:
    """The whole way, by limits of the configuration: the team's limit and its reset are on the screen."""
    with FakeUpstream() as upstream:
        config = {
            "providers": {"openai": loopback(f"{upstream.url}/v1")},
            "teams": [{"name": "blue", **limits}],
            "virtual_keys": [{"name": "team", "value": KEY, "team": "blue"}],
        }
        with Gateway(tmp_path, config) as gateway:
            target = agents.Target(gateway.url, KEY, "openai/gpt-4o")
            if "rate_limits" in limits:
                use_up(target)
            shown = told(AGENTS[agent][0], tmp_path, target)
            rows = gateway.records(1, outcome="refused")
    assert len(rows) <= CALLS_MAX
    assert "team 'blue'" in shown and words in shown
