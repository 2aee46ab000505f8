"""What Claude Code asks of a gateway (`claude gateway`, 2.1), clause by clause, with where else a clause is shown.

unknown members, betas and headers are never refused     here
`tags` and its beta go to Anthropic alone                here
the provider's limit headers give way to ours            tests/pipeline/test_limit_headers.py
refusals by 429 that are not retried                     clients/test_claude_refusals.py
"prompt is too long", "Input is too long ..."            tests/dialects/test_too_long.py, clients/test_claude_code.py
pings while a stream is silent                           here
counts of tokens, also where a provider has none         clients/test_claude_code.py
`/v1/models` in Anthropic's form                         tests/edge/test_models_list.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.answers import upstream_answer
from tests.fakes.inside import Inside, answer
from tests.fakes.translated import configured, noted, sent
from tests.fakes.upstream import FakeUpstream, Gate, Reply
from tests.journeys.caller import request
from tests.journeys.gateway import Gateway, anthropic, openai
from tests.journeys.talk import CHAT_STREAM, MESSAGES_PATH, MESSAGES_STREAM, events, messages, messages_text

from asbru.upstream import pool

PLACE = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5"
BETAS = "claude-code-20250219,request-tags-2026-08-21,interleaved-thinking-2025-05-14"
TAGS = {"team": "blue"}
MESSAGE = upstream_answer("anthropic_messages", ["hi"], stream=False)
BEDROCK_CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


def ask(inside: Inside, model: str, **more: Any) -> Any:
    """A call of Claude Code's, with members and betas that nobody has heard of."""
    body = {
        "model": model,
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
        "tags": TAGS,
        "safeguards": {"level": "high"},
        "x_new": {"a": [1]},
        **more,
    }
    lines = (f"anthropic-beta: {BETAS}", "anthropic-version: 2023-06-01", "x-claude-new: 1")
    return inside.call("/anthropic/v1/messages", body, *(line.encode() for line in lines))


def test_anthropic_gets_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was sent."""
    inside = configured("anthropic", tmp_path, monkeypatch)
    inside.script("api.anthropic.com", MESSAGE)
    assert ask(inside, "anthropic/claude-sonnet-4-5").status == 200
    _, headers, body = sent(inside)
    found = json.loads(body)
    assert (found["tags"], found["safeguards"], found["x_new"]) == (TAGS, {"level": "high"}, {"a": [1]})
    assert headers["anthropic-beta"] == BETAS


def test_vertex_gets_no_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor their beta; everything else is Anthropic's own there, too."""
    inside = configured("vertex", tmp_path, monkeypatch, base_url=PLACE)
    inside.script("us-east5-aiplatform.googleapis.com", MESSAGE)
    assert ask(inside, "vertex/claude-sonnet-4-5").status == 200
    _, headers, body = sent(inside)
    found = json.loads(body)
    assert "tags" not in found and (found["safeguards"], found["x_new"]) == ({"level": "high"}, {"a": [1]})
    assert headers["anthropic-beta"] == "claude-code-20250219,interleaved-thinking-2025-05-14"


def test_bedrock_gets_no_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor betas that it does not know; what is left out is noted."""
    inside = configured("bedrock", tmp_path, monkeypatch, base_url="https://bedrock-runtime.us-east-1.amazonaws.com")
    inside.script("bedrock-runtime.us-east-1.amazonaws.com", MESSAGE)
    caller = ask(inside, f"bedrock/{BEDROCK_CLAUDE}")
    assert caller.status == 200
    found = json.loads(sent(inside)[2])
    assert "tags" not in found and found["anthropic_beta"] == ["interleaved-thinking-2025-05-14"]
    assert "dropped tags" in noted(caller)


def test_other_providers_are_spared_what_they_do_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no reason to refuse the call; the notes name what was left out."""
    inside = configured("openai", tmp_path, monkeypatch)
    inside.script("api.openai.com", upstream_answer("openai_chat", ["hi"], stream=False))
    caller = ask(inside, "openai/gpt-4o")
    assert caller.status == 200
    assert not {"tags", "safeguards", "x_new"} & json.loads(sent(inside)[2]).keys()
    assert {"dropped tags", "dropped safeguards", "dropped x_new"} <= {*noted(caller)}


def test_a_providers_words_on_length_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its compaction keys on them."""
    words = "prompt is too long: 210000 tokens > 200000 maximum"
    refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": words}, "request_id": "r"}
    inside = configured("anthropic", tmp_path, monkeypatch)
    inside.script("api.anthropic.com", answer(400, json.dumps(refusal).encode()))
    caller = ask(inside, "anthropic/claude-sonnet-4-5")
    assert (caller.status, json.loads(caller.body)) == (400, refusal)


@pytest.mark.parametrize("stream", [MESSAGES_STREAM, CHAT_STREAM], ids=["passed on", "translated"])
async def test_pings_while_a_stream_is_silent(stream: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two events of the provider, where it says nothing itself."""
    monkeypatch.setattr(pool, "SILENCE_S", 0.0)
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        model = "anthropic/claude-x" if stream is MESSAGES_STREAM else "openai/gpt-x"
        upstream.queue(Reply.events(b"".join(stream[:-2]), gate, b"".join(stream[-2:])))
        async with gateway.caller() as caller:
            caller.send(request(MESSAGES_PATH, messages(model, stream=True)))
            await caller.head()
            await caller.until(b'event: ping\ndata: {"type": "ping"}')
            gate.open()
            answer = await caller.rest()
        told = [event["type"] for event in events(answer.body)]
        assert told[-1] == "message_stop" and messages_text(answer.body) == "Hi you"
        assert gateway.row["outcome"] == "ok"
