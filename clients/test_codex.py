"""Codex as it is, by its built-in provider: over a WebSocket, with tools in the conversation, and compaction.

How it takes refusals, and how it streams from a provider of its own API, is in `test_openai_responses`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from clients import agents
from clients.agent_model import PRINTED, speak
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback
from clients.refusals import CALLS_MAX
from tests.fakes.strict.provider import StrictProvider
from tests.fakes.upstream import FakeUpstream, Reply, Seen

pytestmark = pytest.mark.clients

SUMMARY = "the user wants a word to be printed"
COMPACT_AT = 50_000
SUMMARIES = ("Write a summary of this conversation", "Create a handoff summary")
"""How a summary is asked for: by Asbru, over a WebSocket, and by Codex itself of a provider that it does not know."""
LARGE, SMALL = 90_000, 100
"""Tokens that the model says it read: more than Codex keeps a conversation for, and fewer."""


def configured(url: str, name: str = "up", **more: Any) -> dict[str, Any]:
    """A gateway before one provider."""
    return {"providers": {name: loopback(f"{url}/v1", **more)}, "virtual_keys": VIRTUAL_KEYS}


FOREIGN = {"openai": ("up", {"dialect": "openai"}), "anthropic": ("anthropic", {})}
"""What each strict provider is called in the configuration, so that it is not asked in Codex's own API."""


@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-5"), ("anthropic", "claude-sonnet-4-5")])
@pytest.mark.parametrize("built_in", [True, False], ids=["socket", "stream"])
def test_a_tool_call_on_a_foreign_upstream(tmp_path: Path, provider: str, model: str, built_in: bool) -> None:
    """Codex runs a command that a model of another API asks for, and the provider refuses nothing. Over a WebSocket the
    first call only prepares the conversation."""
    strict = StrictProvider(provider, speak)
    name, more = FOREIGN[provider]
    with FakeUpstream() as upstream:
        upstream.otherwise = strict
        with Gateway(tmp_path, configured(upstream.url, name, **more)) as gateway:
            target = agents.Target(gateway.url, KEY, f"{name}/{model}")
            said = agents.codex("Run the command", tmp_path / "agent", target, built_in=built_in)
            rows = gateway.records(2, surface="openai.responses", attempts=1)
    assert PRINTED in said and not strict.refused
    assert {row["outcome"] for row in rows} == {"ok"}


def test_a_socket_to_a_provider_of_its_own_api(tmp_path: Path) -> None:
    """What goes on from the connection reaches the provider whole, over HTTP; items stay as Codex wrote them."""
    with FakeUpstream() as upstream:
        upstream.otherwise = lambda seen: Reply.events(responses_stream(seen))
        with Gateway(tmp_path, configured(upstream.url, dialect="responses")) as gateway:
            target = agents.Target(gateway.url, KEY, "up/gpt-5.2")
            said = agents.codex("hello", tmp_path / "agent", target, built_in=True)
        bodies = [seen.json() for seen in upstream.requests if seen.method == "POST"]
    assert "All done." in said
    assert all("previous_response_id" not in body and "generate" not in body for body in bodies)
    assert "hello" in json.dumps(bodies[-1]["input"])


def responses_stream(seen: Seen) -> bytes:
    """The stream of a provider of the Responses API."""
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "All done.", "annotations": []}]}  # fmt: skip
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    begun = {
        "id": "resp_1",
        "object": "response",
        "model": seen.json()["model"],
        "status": "in_progress",
        "output": [],
    }
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": "response.completed",
            "response": {**begun, "status": "completed", "output": [item], "usage": usage},
        },
    ]
    return b"".join(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in events)


class Summarising:
    """A model of the chat API that has a command run, says that the conversation is long, and gives its summary.
    `went_on`: whether it was asked again with that summary."""

    def __init__(self) -> None:
        self.asked = 0
        self.went_on = False

    def __call__(self, seen: Seen) -> Reply:
        if seen.method != "POST":
            return Reply.json({"data": []})
        messages = seen.json()["messages"]
        self.asked += 1
        if any(words in str(messages[-1]) for words in SUMMARIES):
            return chat_stream({"content": SUMMARY}, "stop", SMALL)
        if self.asked == 1:
            function = {"name": "exec_command", "arguments": json.dumps({"cmd": "echo hi"})}
            call = {"index": 0, "id": "call_1", "type": "function", "function": function}
            return chat_stream({"tool_calls": [call]}, "tool_calls", LARGE)
        self.went_on = SUMMARY in json.dumps(messages)
        return chat_stream({"content": "All done."}, "stop", SMALL)


def chat_stream(delta: dict[str, Any], stop: str, read: int) -> Reply:
    """A streamed reply of the chat API."""
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    usage = {"prompt_tokens": read, "completion_tokens": 5, "total_tokens": read + 5}
    chunks = [
        {**base, "choices": [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None}]},
        {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": stop}]},
        {**base, "choices": [], "usage": usage},
    ]
    return Reply.events(*(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks), b"data: [DONE]\n\n")


@pytest.mark.parametrize("built_in", [True, False], ids=["socket", "stream"])
def test_a_compacted_session_goes_on(tmp_path: Path, built_in: bool) -> None:
    """Codex asks for compaction in its own way, of a model that knows nothing of it, and goes on from the summary."""
    model = Summarising()
    with FakeUpstream() as upstream:
        upstream.otherwise = model
        with Gateway(tmp_path, configured(upstream.url, dialect="openai")) as gateway:
            target = agents.Target(gateway.url, KEY, "up/m")
            limits = {"model_auto_compact_token_limit": COMPACT_AT, "model_context_window": 2 * COMPACT_AT}
            said = agents.codex("hello", tmp_path / "agent", target, built_in=built_in, **limits)
    assert "All done." in said
    assert (model.asked, model.went_on) == (3, True)


def test_a_refusal_over_a_socket(tmp_path: Path) -> None:
    """Codex stops at once, after at most two calls, and shows our words: it reads them in a response that fails."""
    with FakeUpstream() as upstream, Gateway(tmp_path, configured(upstream.url, dialect="openai")) as gateway:
        target = agents.Target(gateway.url, KEY, "nobody/m")
        with pytest.raises(agents.FailedError) as failed:
            agents.codex("hello", tmp_path / "agent", target, built_in=True)
        rows = gateway.records(1, status=404)
    assert 1 <= len(rows) <= CALLS_MAX
    assert "the model 'nobody/m' is unknown" in failed.value.printed
