"""boto3 and langchain-aws on the Bedrock surface, as applications use them: on Bedrock itself and on other providers.

The Bedrock behind Asbru is a strict fake (`tests/fakes/strict/bedrock.py`), which checks the signature of every
request; the other providers are the mock. A caller's key is a virtual key, given as a Bedrock API key.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from clients import claude_code
from clients.agent_model import COMMAND, PRINTED, speak
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback
from clients.test_strict_providers import with_anthropic_sdk, with_openai_sdk
from tests.fakes.strict.bedrock import StrictBedrock, frame
from tests.fakes.strict.provider import StrictProvider
from tests.fakes.upstream import FakeUpstream, Reply

pytestmark = pytest.mark.clients

SECRET = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI", "region": "eu-west-1"}
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
TOOL = {
    "toolSpec": {
        "name": "bash",
        "description": "Runs a command",
        "inputSchema": {"json": {"type": "object", "properties": {"command": {"type": "string"}}}},
    }
}
ASK: list[Any] = [{"role": "user", "content": [{"text": "Run the command and tell me what it prints"}]}]


class Running(NamedTuple):
    """A gateway, and the Bedrock behind it."""

    url: str
    strict: StrictBedrock
    upstream: FakeUpstream


@pytest.fixture(scope="module")
def running(mock_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One gateway with a Bedrock and the mock in two dialects."""
    strict = StrictBedrock(speak, keys={SECRET["access_key_id"]: SECRET["secret_access_key"]})
    with FakeUpstream() as upstream, FakeUpstream() as groq:
        upstream.otherwise = strict
        groq.otherwise = StrictProvider("groq", speak)
        signed = loopback(upstream.url, type="bedrock", keys=[{"name": "k1", "value": json.dumps(SECRET)}])
        providers = {
            "bedrock": signed,
            "oai": loopback(f"{mock_url}/v1", dialect="openai"),
            "ant": loopback(f"{mock_url}/v1", dialect="anthropic"),
            "groq": loopback(f"{groq.url}/openai/v1"),
        }
        config = {"providers": providers, "virtual_keys": VIRTUAL_KEYS}
        with Gateway(tmp_path_factory.mktemp("bedrock"), config) as gateway:
            yield Running(gateway.url, strict, upstream)
    assert not strict.refused


@pytest.fixture
def client(running: Running) -> Iterator[Any]:
    """The SDK, with a virtual key as its access key id: it sends API keys only over TLS."""
    made = boto3.client(
        "bedrock-runtime",
        "us-east-1",
        endpoint_url=f"{running.url}/bedrock",
        aws_access_key_id=KEY,
        aws_secret_access_key="unused",  # noqa: S106 -- none
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield made
    made.close()


def test_a_tool_call_is_completed_on_bedrock(client: Any) -> None:
    """A call, its result and the answer; the body arrives as the SDK wrote it, signed with the gateway's keys."""
    asked: dict[str, Any] = {"modelId": CLAUDE, "toolConfig": {"tools": [TOOL]}, "system": [{"text": "Be brief."}]}
    first = client.converse(messages=ASK, **asked)
    assert first["stopReason"] == "tool_use"
    message = first["output"]["message"]
    (call,) = (block["toolUse"] for block in message["content"] if "toolUse" in block)
    assert call["input"]["command"] == COMMAND
    result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": PRINTED}]}}
    answer = client.converse(messages=[*ASK, message, {"role": "user", "content": [result]}], **asked)
    assert PRINTED in answer["output"]["message"]["content"][0]["text"]
    assert answer["usage"] == {"inputTokens": 12, "outputTokens": 5, "totalTokens": 17}
    assert answer["metrics"] == {"latencyMs": 7}


def streamed(client: Any, **asked: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A streamed message put together, and its events."""
    blocks: dict[int, dict[str, Any]] = {}
    with contextlib.closing(client.converse_stream(**asked)["stream"]) as stream:
        events = list(stream)
    for event in events:
        if "contentBlockStart" in event:
            start = event["contentBlockStart"]
            blocks[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"], "input": ""}}
        if "contentBlockDelta" in event:
            at, delta = event["contentBlockDelta"]["contentBlockIndex"], event["contentBlockDelta"]["delta"]
            if "toolUse" in delta:
                blocks[at]["toolUse"]["input"] += delta["toolUse"]["input"]
            elif "text" in delta:
                blocks.setdefault(at, {"text": ""})["text"] += delta["text"]
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return {"role": "assistant", "content": [blocks[at] for at in sorted(blocks)]}, events


def test_a_stream_is_the_providers_own(client: Any) -> None:
    """The same as a stream: its frames are passed on with their padding and sums."""
    asked: dict[str, Any] = {"modelId": CLAUDE, "toolConfig": {"tools": [TOOL]}}
    message, events = streamed(client, messages=ASK, **asked)
    (call,) = (block["toolUse"] for block in message["content"] if "toolUse" in block)
    assert call["input"]["command"] == COMMAND
    assert events[-2]["messageStop"]["stopReason"] == "tool_use"
    assert events[-1]["metadata"]["usage"]["totalTokens"] == 17
    result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": PRINTED}]}}
    message, _ = streamed(client, messages=[*ASK, message, {"role": "user", "content": [result]}], **asked)
    assert PRINTED in message["content"][0]["text"]


@pytest.mark.parametrize("provider", ["oai", "ant"])
def test_other_providers_answer_in_this_dialect(client: Any, provider: str) -> None:
    """Models of other dialects, whole and streamed: text, usage, a stop reason."""
    hello = [{"role": "user", "content": [{"text": "hello"}]}]
    whole = client.converse(modelId=f"{provider}/story", messages=hello)
    assert whole["output"]["message"]["content"][0]["text"]
    assert whole["stopReason"] == "end_turn"
    assert whole["usage"]["totalTokens"] > 0
    message, events = streamed(client, modelId=f"{provider}/story", messages=hello)
    assert message["content"][0]["text"]
    assert events[-1]["metadata"]["usage"]["totalTokens"] > 0


@pytest.mark.parametrize("provider", ["oai", "ant"])
def test_other_providers_call_tools(client: Any, provider: str) -> None:
    """A streamed tool call of another dialect, and its result sent back."""
    asked: dict[str, Any] = {"modelId": f"{provider}/tools", "toolConfig": {"tools": [TOOL]}}
    message, events = streamed(client, messages=ASK, **asked)
    (call,) = (block["toolUse"] for block in message["content"] if "toolUse" in block)
    assert call["name"] == "bash"
    assert next(event for event in events if "messageStop" in event)["messageStop"]["stopReason"] == "tool_use"
    result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": PRINTED}]}}
    answer = client.converse(messages=[*ASK, message, {"role": "user", "content": [result]}], **asked)
    assert answer["stopReason"] == "end_turn"


def test_errors_are_the_services_exceptions(client: Any, running: Running) -> None:
    """A refusal of the gateway and one of Bedrock are exceptions that the SDK has a class for."""
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.converse(modelId="oai/none", messages=ASK)
    with pytest.raises(client.exceptions.ValidationException):
        client.converse(modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": " "}]}])
    assert "blank" in running.strict.refused.pop()
    shut = {"aws_access_key_id": "AKIDNONE", "aws_secret_access_key": "x"}
    stranger = boto3.client("bedrock-runtime", "us-east-1", endpoint_url=f"{running.url}/bedrock", **shut)
    with pytest.raises(ClientError) as caught:
        stranger.converse(modelId=CLAUDE, messages=ASK)
    stranger.close()
    assert "virtual key" in caught.value.response["Error"]["Message"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 401


def test_an_exception_in_a_stream_is_one(client: Any, running: Running) -> None:
    """An exception of Bedrock after the first content reaches the SDK as it came."""
    frames = (
        frame("messageStart", {"role": "assistant"}),
        frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}}),
        frame("throttlingException", {"message": "Too many tokens"}, "exception"),
    )
    running.upstream.queue(Reply(200, frames, {"content-type": "application/vnd.amazon.eventstream"}, "chunked"))
    with pytest.raises(EventStreamError) as caught:
        streamed(client, modelId=CLAUDE, messages=ASK)
    assert caught.value.response["Error"] == {"Code": "throttlingException", "Message": "Too many tokens"}


def test_tokens_are_counted(client: Any) -> None:
    """By Bedrock where the model is its own, by Asbru where another provider does not count."""
    asked = {"converse": {"messages": ASK}}
    assert client.count_tokens(modelId=CLAUDE, input=asked)["inputTokens"] == 42
    assert client.count_tokens(modelId="oai/story", input=asked)["inputTokens"] > 0


MESSAGES: dict[str, Any] = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 256}
BASH = {"name": "bash", "description": "Runs a command", "input_schema": {"type": "object", "properties": {}}}


@pytest.mark.parametrize("model", [CLAUDE, "oai/tools", "ant/tools"])
def test_a_body_of_claude_is_invoked(client: Any, model: str) -> None:
    """Whole, then as a stream: on Bedrock as it is, on other providers translated."""
    asked = {**MESSAGES, "messages": [{"role": "user", "content": "Run it"}], "tools": [BASH]}
    with contextlib.closing(client.invoke_model(modelId=model, body=json.dumps(asked))["body"]) as body:
        told = json.loads(body.read())
    assert (told["stop_reason"], told["content"][-1]["name"]) == ("tool_use", "bash")
    answer = client.invoke_model_with_response_stream(modelId=model, body=json.dumps(asked))
    with contextlib.closing(answer["body"]) as stream:
        events = [json.loads(event["chunk"]["bytes"]) for event in stream]
    assert events[0]["type"] == "message_start"
    assert events[-1]["type"] == "message_stop"
    assert any(event.get("content_block", {}).get("name") == "bash" for event in events)


def test_a_body_of_another_maker_is_refused(client: Any) -> None:
    """In words that say what is taken."""
    with pytest.raises(client.exceptions.ValidationException, match="converse"):
        client.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "hi"}))


def test_langchain_speaks_converse(running: Running) -> None:
    """ChatBedrockConverse: a streamed tool call and its result."""
    from langchain_aws import ChatBedrockConverse
    from langchain_core.messages import HumanMessage, ToolMessage

    shut: Any = {"aws_access_key_id": KEY, "aws_secret_access_key": "unused", "region_name": "us-east-1"}
    chat = ChatBedrockConverse(
        model=CLAUDE, base_url=f"{running.url}/bedrock", provider="anthropic", supports_tool_choice_values=(), **shut
    )
    function = {"name": "bash", "description": "Runs a command", "parameters": {"type": "object", "properties": {}}}
    bound = chat.bind_tools([{"type": "function", "function": function}])
    ask = HumanMessage("Run the command")
    whole: Any = None
    for piece in bound.stream([ask]):
        whole = piece if whole is None else whole + piece
    (call,) = whole.tool_calls
    assert call["args"]["command"] == COMMAND
    answer = bound.invoke([ask, whole, ToolMessage(PRINTED, tool_call_id=call["id"])])
    assert PRINTED in answer.text
    assert answer.usage_metadata is not None


def test_callers_of_other_formats_reach_bedrock(running: Running, tmp_path: Path) -> None:
    """OpenAI's and Anthropic's SDKs complete a tool call with Claude and with another model of Bedrock, and the service
    refuses nothing."""
    for model in (f"bedrock/{CLAUDE}", "bedrock/amazon.nova-pro-v1:0"):
        for speak_as in (with_openai_sdk, with_anthropic_sdk):
            assert PRINTED in speak_as(running.url, model, tmp_path), (model, speak_as)
    assert not running.strict.refused


@pytest.mark.parametrize("model", [f"bedrock/{CLAUDE}", "groq/llama-3.3-70b-versatile"])
def test_claude_code_in_its_bedrock_mode(running: Running, model: str, tmp_path: Path) -> None:
    """A prompt with a tool call, on Bedrock and on a provider of another format."""
    env = {
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
        "ANTHROPIC_BEDROCK_BASE_URL": f"{running.url}/bedrock",
        "ANTHROPIC_CUSTOM_HEADERS": f"x-asbru-key: {KEY}",
        "AWS_REGION": "us-east-1",
        "ANTHROPIC_MODEL": model,
        "ANTHROPIC_SMALL_FAST_MODEL": model,
    }
    run = claude_code.run("Run the command and tell me what it prints", tmp_path, env=env)
    assert run.status == 0, run
    assert run.blocks("tool_use"), run
    assert (run.result["subtype"], run.result["is_error"]) == ("success", False)
    assert not running.strict.refused
