"""Claude Code and refusals: it stops at once, and shows why and until when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from clients import claude_code
from clients.gateway import KEY, Gateway, loopback
from tests.fakes.upstream import FakeUpstream, Reply, Seen

from asbru.core.errors import AsbruError, BudgetExceeded, Forbidden, Overloaded, RateLimited
from asbru.dialects.anthropic_messages import DIALECT
from asbru.pipeline.call import Call
from asbru.pipeline.deliver import refuse
from asbru.wire.forwarded import TO_ANY_DIALECT, ForwardedHeaders

pytestmark = pytest.mark.clients

CALLS_MAX = 2
RESET = "2027-01-01T00:00:00Z"


class _Heard:
    """The caller's side of a call that is refused."""

    started = False
    told: tuple[int, bytes, bytes]

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        self.told = (status, lines, body)


def _refused(error: AsbruError, seen: Seen) -> Reply:
    """The very answer that Asbru gives to the client that sent `seen`."""
    heard: Any = _Heard()
    call = Call("anthropic", DIALECT.operation("chat"), DIALECT, seen.body, heard)
    call.forwarded = ForwardedHeaders([(TO_ANY_DIALECT, b"user-agent", seen.headers["user-agent"].encode())])
    refuse(call, error)
    status, lines, body = heard.told
    headers = dict(line.split(": ", 1) for line in lines.decode().splitlines())
    return Reply(status, (body,), headers)


@pytest.mark.parametrize(
    "error",
    [
        BudgetExceeded(
            f"the budget of team 'blue' is spent: 10.00 of 10.00 USD; resets at {RESET}", retry_after_s=9999
        ),
        RateLimited(f"team 'blue' has made 60 of 60 requests in 1m; resets at {RESET}", retry_after_s=2),
        Overloaded(f"4096 calls are in flight; try again shortly, at {RESET}", retry_after_s=1),
        Forbidden(f"this key may not use the model 'a/b'; it may use 'a/c' until {RESET}", code="model_not_allowed"),
    ],
    ids=["budget", "rate", "shed", "model"],
)
def test_one_refusal_is_one_call(tmp_path: Path, error: AsbruError) -> None:
    """Each kind of refusal ends the run with at most two calls, and with our words as they are."""
    asked: list[str] = []

    def answer(seen: Seen) -> Reply:
        if seen.method == "HEAD":
            return Reply()
        asked.append(seen.path)
        return _refused(error, seen)

    with FakeUpstream() as gateway:
        gateway.otherwise = answer
        run = claude_code.run("hello", tmp_path, env={"ANTHROPIC_BASE_URL": gateway.url, "ANTHROPIC_API_KEY": KEY})
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
