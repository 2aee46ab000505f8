"""Claude Code, as published, through Asbru: a prompt with a tool call, and Groq as its users set it up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clients import claude_code
from clients.agent_model import COMMAND, PRINTED, speak
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback
from tests.fakes.speech import anthropic_error, openai_error
from tests.fakes.strict.provider import StrictProvider
from tests.fakes.upstream import FakeUpstream, Reply, Seen

pytestmark = pytest.mark.clients

GROQ = "groq/llama-3.3-70b-versatile"
HAIKU = "anthropic/claude-haiku-4-5"
PROMPT = "Run the command and tell me what it prints"


@pytest.fixture
def fake_anthropic() -> Iterator[FakeUpstream]:
    """An Anthropic that is as strict as the real one, with the agent's model."""
    with FakeUpstream() as upstream:
        upstream.otherwise = StrictProvider("anthropic", speak)
        yield upstream


@pytest.fixture
def fake_openai() -> Iterator[FakeUpstream]:
    """An OpenAI that is as strict as the real one, with the agent's model."""
    with FakeUpstream() as upstream:
        upstream.otherwise = StrictProvider("openai", speak)
        yield upstream


@pytest.fixture
def fake_groq() -> Iterator[FakeUpstream]:
    """A Groq that is as strict as the real one, with the agent's model."""
    with FakeUpstream() as upstream:
        upstream.otherwise = StrictProvider("groq", speak)
        yield upstream


def _check(run: claude_code.Run) -> None:
    """The agent called the tool once, and concluded with what it printed."""
    assert run.status == 0, run
    assert [block["name"] for block in run.blocks("tool_use")] == ["Bash"]
    assert run.blocks("tool_use")[0]["input"]["command"] == COMMAND
    assert (run.result["subtype"], run.result["is_error"]) == ("success", False)
    assert PRINTED in run.result["result"]


def test_straight_at_the_fake(tmp_path: Path, fake_anthropic: FakeUpstream) -> None:
    """Without a gateway the agent and the fake model get on: what fails below is not theirs."""
    env = {"ANTHROPIC_BASE_URL": fake_anthropic.url, "ANTHROPIC_API_KEY": "k", "ANTHROPIC_MODEL": "claude-haiku-4-5"}
    _check(claude_code.run(PROMPT, tmp_path, env=env))


def test_to_an_anthropic_upstream(tmp_path: Path, fake_anthropic: FakeUpstream) -> None:
    """A prompt with a tool call, to an Anthropic-dialect upstream: bodies, query and betas arrive as they were sent."""
    providers = {"anthropic": loopback(f"{fake_anthropic.url}/v1")}
    with Gateway(tmp_path, {"providers": providers, "virtual_keys": VIRTUAL_KEYS}) as gateway:
        env = {"ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic", "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_MODEL": HAIKU}
        _check(claude_code.run(PROMPT, tmp_path, env=env))
        rows = gateway.records(2, provider="anthropic", status=200)
        assert all(row["stream"] and row["outcome"] == "ok" for row in rows)
    seen = [seen for seen in fake_anthropic.requests if seen.path == "/v1/messages"]
    assert seen[0].json()["model"] == "claude-haiku-4-5"
    assert seen[0].headers["anthropic-beta"]
    assert seen[0].headers["x-api-key"] == "sk-upstream"
    assert all(KEY not in value for one in seen for value in one.headers.values())


def test_to_an_openai_upstream(tmp_path: Path, fake_openai: FakeUpstream) -> None:
    """A prompt with a tool call, to an OpenAI-dialect upstream: the agent does not know the difference."""
    providers = {"openai": loopback(f"{fake_openai.url}/v1")}
    with Gateway(tmp_path, {"providers": providers, "virtual_keys": VIRTUAL_KEYS}) as gateway:
        env = {"ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic", "ANTHROPIC_API_KEY": KEY}
        _check(claude_code.run(PROMPT, tmp_path, "--model", "openai/gpt-4o", env=env))
        gateway.records(2, provider="openai", status=200, model_served="gpt-4o")


def test_context_is_counted(tmp_path: Path, fake_openai: FakeUpstream) -> None:
    """`/context` counts tokens many times over; for an upstream that cannot count, Asbru answers with estimates."""
    providers = {"openai": loopback(f"{fake_openai.url}/v1")}
    with Gateway(tmp_path, {"providers": providers, "virtual_keys": VIRTUAL_KEYS}) as gateway:
        env = {"ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic", "ANTHROPIC_API_KEY": KEY}
        run = claude_code.run("/context", tmp_path, "--model", "openai/gpt-4o", env=env)
        assert (run.result["subtype"], run.result["is_error"]) == ("success", False)
        rows = gateway.records(5)
        assert {(row["surface"], row["status"]) for row in rows} == {("anthropic.count_tokens", 200)}
    assert not fake_openai.requests


def _groq_settings(gateway: Gateway) -> dict[str, Any]:
    """`settings.json` as users write it."""
    return {
        "env": {
            "ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic",
            "ANTHROPIC_AUTH_TOKEN": KEY,
            "ANTHROPIC_DEFAULT_SONNET_MODEL": GROQ,
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": GROQ,
        }
    }


def _groq_config(fake_groq: FakeUpstream, fake_anthropic: FakeUpstream) -> dict[str, Any]:
    """The two documents of the walk-through, merged, with both addresses on loopback."""
    groq_key = {"name": "groq-key-1", "value": "env.GROQ_API_KEY", "models": ["*"], "weight": 1.0}
    groq = loopback(f"{fake_groq.url}/openai/v1", keys=[groq_key])
    return {
        "providers": {"groq": groq, "anthropic": loopback(f"{fake_anthropic.url}/v1")},
        "fallbacks": [{"from": GROQ, "to": [HAIKU]}],
        "virtual_keys": VIRTUAL_KEYS,
    }


def test_groq_walk_through(tmp_path: Path, fake_groq: FakeUpstream, fake_anthropic: FakeUpstream) -> None:
    """A settings.json, `claude --model groq/...`: the agent works on Groq, and the record shows groq and 200."""
    config = _groq_config(fake_groq, fake_anthropic)
    with Gateway(tmp_path, config, GROQ_API_KEY="gsk-1") as gateway:
        _check(claude_code.run(PROMPT, tmp_path, "--model", GROQ, env={}, settings=_groq_settings(gateway)))
        rows = gateway.records(2, provider="groq", status=200)
        assert {(row["model_asked"], row["model_served"]) for row in rows} == {(GROQ, GROQ.removeprefix("groq/"))}
        assert {row["caller"] for row in rows} == {"team"}
    assert not fake_anthropic.requests
    seen = [one for one in fake_groq.requests if one.path == "/openai/v1/chat/completions"]
    assert len(seen) >= 2
    assert {one.headers["authorization"] for one in seen} == {"Bearer gsk-1"}
    assert not {"store", "service_tier", "prompt_cache_key"} & {field for one in seen for field in one.json()}


@pytest.mark.parametrize(
    "failure",
    [openai_error(500), openai_error(429, "slow down", "rate_limit_error", retry_after="1")],
    ids=["500", "429"],
)
def test_groq_falls_back(
    tmp_path: Path, fake_groq: FakeUpstream, fake_anthropic: FakeUpstream, failure: Reply
) -> None:
    """When that Groq answers 500 or 429, the call moves to the Anthropic fallback. What the agent writes for the model
    it named is not adapted to the fallback's, which refuses what it does not know, and the agent asks without it."""
    fake_groq.otherwise = failure
    config = _groq_config(fake_groq, fake_anthropic)
    with Gateway(tmp_path, config, GROQ_API_KEY="gsk-1") as gateway:
        run = claude_code.run(PROMPT, tmp_path, "--model", GROQ, env={}, settings=_groq_settings(gateway))
        _check(run)
        rows = gateway.records(2, provider="anthropic", status=200)
        assert {row["model_asked"] for row in rows} == {GROQ}
        assert {row["model_served"] for row in rows} == {"claude-haiku-4-5"}
        assert any(row["attempts"] > 1 for row in gateway.records(1))
    assert fake_groq.requests and fake_anthropic.requests
    assert not [event for event in run.events if event.get("subtype") == "api_retry"]


def test_an_error_nobody_can_help_is_told(tmp_path: Path, fake_anthropic: FakeUpstream) -> None:
    """When there is no fallback, the agent shows the provider's own words."""
    fake_anthropic.otherwise = anthropic_error(400, "the bridge is closed", "invalid_request_error")
    providers = {"anthropic": loopback(f"{fake_anthropic.url}/v1")}
    with Gateway(tmp_path, {"providers": providers, "virtual_keys": VIRTUAL_KEYS}) as gateway:
        env = {"ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic", "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_MODEL": HAIKU}
        run = claude_code.run(PROMPT, tmp_path, env=env)
    assert run.result["is_error"] is True
    assert "the bridge is closed" in run.result["result"]


class TooLong:
    """An OpenAI that finds the conversation too long once a tool has been called, until its summary is asked for."""

    def __init__(self) -> None:
        self.compacted = False
        self._strict = StrictProvider("openai", speak)

    def __call__(self, seen: Seen) -> Reply:
        if seen.method == "POST":
            last = seen.json()["messages"][-1]
            self.compacted |= "summary" in str(last["content"])[:3000]
            if last["role"] == "tool" and not self.compacted:
                words = "maximum context length is 8192 tokens. However, your messages resulted in 10010 tokens."
                return openai_error(400, f"This model's {words}", "invalid_request_error")
        return self._strict(seen)


def test_a_conversation_that_is_too_long_is_compacted(tmp_path: Path) -> None:
    """For a model of another API: the agent knows the refusal by our words, compacts, and goes on."""
    model = TooLong()
    with FakeUpstream() as upstream:
        upstream.otherwise = model
        providers = {"openai": loopback(f"{upstream.url}/v1")}
        with Gateway(tmp_path, {"providers": providers, "virtual_keys": VIRTUAL_KEYS}) as gateway:
            env = {"ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic", "ANTHROPIC_API_KEY": KEY}
            run = claude_code.run(PROMPT, tmp_path, "--model", "openai/gpt-4o", env=env)
    assert model.compacted and PRINTED in run.result["result"]
    assert [event for event in run.events if event.get("subtype") == "compact_boundary"]
