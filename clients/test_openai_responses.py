"""The official `openai` package by the Responses API: whole, streamed, a conversation, errors; and Codex.

There is no way straight to the mock here: it speaks chat and Messages, and Asbru translates for both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from clients import agents
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback
from clients.refusals import CALLS_MAX, REFUSALS, refusing
from tests.fakes.upstream import FakeUpstream, Reply

from asbru.dialects.openai_responses import DIALECT

pytestmark = pytest.mark.clients


@pytest.fixture(params=["oai", "ant"])
def upstream(request: pytest.FixtureRequest) -> str:
    """Both dialects that the mock speaks."""
    return request.param


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    """The SDK, without retries of its own."""
    with openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=KEY, max_retries=0, timeout=120) as made:
        yield made


def test_a_prompt(client: openai.OpenAI, upstream: str) -> None:
    """A prompt is answered, with the model's usage."""
    answer = client.responses.create(model=f"{upstream}/echo", input="hello there", instructions="be brief")
    assert (answer.output_text, answer.status) == ("hello there", "completed")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0


def test_a_stream(client: openai.OpenAI, upstream: str) -> None:
    """Every event is one that the SDK knows, in its order, and the last one has the whole response."""
    with client.responses.stream(model=f"{upstream}/echo", input="hello there") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert final.output_text == "hello there"


def test_a_conversation_goes_back_whole(client: openai.OpenAI, upstream: str) -> None:
    """What was said is sent back as it came, item by item, as applications do that store nothing."""
    first = client.responses.create(model=f"{upstream}/echo", input="one")
    items: list[Any] = [{"role": "user", "content": "one"}, *(item.model_dump() for item in first.output)]
    answer = client.responses.create(model=f"{upstream}/echo", input=[*items, {"role": "user", "content": "two"}])
    assert answer.output_text == "two"


def test_an_unknown_model(client: openai.OpenAI) -> None:
    """An error is the SDK's own, with our words."""
    with pytest.raises(openai.NotFoundError) as refused:
        client.responses.create(model="nobody/m", input="x")
    assert "nobody" in str(refused.value)


@pytest.mark.parametrize("kind", REFUSALS)
def test_one_refusal_of_codex_is_one_call(tmp_path: Path, kind: str) -> None:
    """Each kind of refusal ends Codex's run at once; but for a shed call, whose words are its own, it shows ours."""
    error = REFUSALS[kind]
    with refusing(DIALECT, error) as (url, asked), pytest.raises(agents.FailedError) as failed:
        agents.codex("hello", tmp_path / "agent", agents.Target(url, KEY, "m"))
    assert 1 <= len(asked) <= CALLS_MAX
    assert (error.message in failed.value.printed) is (kind != "shed")


def test_codex_reaches_a_provider_of_its_own_api(tmp_path: Path) -> None:
    """A provider that speaks the Responses API is sent what Codex sent, but for the model."""
    reply = {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5.2", "status": "completed",
        "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": "All done.", "annotations": []}]}],
        "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,
                  "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 5},
    }  # fmt: skip
    begun = {**reply, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.done", "output_index": 0, "item": reply["output"][0]},
        {"type": "response.completed", "response": reply},
    ]
    stream = b"".join(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in events)
    with FakeUpstream() as provider:
        provider.on("/v1/responses", Reply.events(stream))
        config = {"providers": {"openai": loopback(f"{provider.url}/v1")}, "virtual_keys": VIRTUAL_KEYS}
        with Gateway(tmp_path, config) as gateway:
            said = agents.codex("hello", tmp_path / "agent", agents.Target(gateway.url, KEY, "openai/gpt-5.2"))
        assert "All done." in said
        sent = provider.requests[0].json()
        assert (sent["model"], sent["store"]) == ("gpt-5.2", False)
        assert "prompt_cache_key" in sent


def test_a_conversation_by_its_id(client: openai.OpenAI, upstream: str) -> None:
    """A stored response is gone on from, whole and streamed, read and deleted; its input is counted."""
    first = client.responses.create(model=f"{upstream}/echo", input="one")
    second = client.responses.create(model=f"{upstream}/echo", input="two", previous_response_id=first.id)
    assert (second.output_text, second.previous_response_id) == ("two", first.id)
    with client.responses.stream(model=f"{upstream}/echo", input="three", previous_response_id=second.id) as stream:
        third = stream.get_final_response()
    assert third.output_text == "three"
    read = client.responses.retrieve(third.id)
    assert (read.id, read.output_text) == (third.id, "three")
    assert [item.type for item in client.responses.input_items.list(third.id)] == ["message"]
    alone = client.responses.input_tokens.count(model=f"{upstream}/echo", input="x")
    both = client.responses.input_tokens.count(model=f"{upstream}/echo", input="x", previous_response_id=third.id)
    assert both.input_tokens > alone.input_tokens
    client.responses.delete(third.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(third.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model=f"{upstream}/echo", input="x", previous_response_id=third.id)


@pytest.mark.filterwarnings("ignore:connect.. must be used as a context manager:DeprecationWarning")
def test_a_conversation_over_a_socket(client: openai.OpenAI, upstream: str) -> None:
    """The SDK's own connection: two responses, the second from the first, without storage; lanes; an error."""
    with client.responses.connect() as connection:
        told = [_over(connection, model=f"{upstream}/echo", input="one", store=False)]
        told.append(
            _over(connection, model=f"{upstream}/echo", input="two", store=False, previous_response_id=told[0].id)
        )
        assert [one.output_text for one in told] == ["one", "two"]
        connection.send({"type": "response.create", "model": "nobody/m", "input": "x"})
        error = connection.recv()
        assert error.type == "error"


def _over(connection: Any, **members: Any) -> Any:
    """The response at the end of one that is asked for over a socket."""
    connection.send({"type": "response.create", **members})
    for event in connection:
        if event.type == "response.completed":
            return event.response
    raise AssertionError("the socket was closed")


def test_compaction(client: openai.OpenAI, upstream: str) -> None:
    """What the SDK gets for a long conversation is an input that goes on."""
    said: list[Any] = [{"role": "user", "content": "one"}]
    short = client.responses.compact(model=f"{upstream}/echo", input=said)
    assert [item.type for item in short.output] == ["message", "compaction"]
    items: list[Any] = [item.model_dump(exclude_none=True, warnings=False) for item in short.output]
    answer = client.responses.create(model=f"{upstream}/echo", input=[*items, {"role": "user", "content": "two"}])
    assert answer.output_text.endswith("two")
