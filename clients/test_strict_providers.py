"""Every client on every model of the strict fakes: each completes a tool call, and the provider refuses nothing.

The fakes (`tests/fakes/strict`) refuse what the real providers refuse. A client speaks its own dialect; where the
provider speaks another, Asbru translates, and must not add anything that the model does not take.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import openai
import pytest
from clients import agents, claude_code
from clients.agent_model import COMMAND, PRINTED, speak
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback
from tests.fakes.strict.facts import models
from tests.fakes.strict.provider import StrictProvider
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.clients

PROVIDERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/v1", {}),
    "groq": ("/openai/v1", {}),
    "anthropic": ("/v1", {}),
    "deepseek": ("/v1", {"dialect": "openai"}),
}
"""Where the provider's paths begin, and what its configuration says beside the address and the key."""

SHAPES = [f"{provider}/{name}" for provider in PROVIDERS for name in models(provider)]
PROMPT = "Run the command and tell me what it prints"
TOOL_SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}

EFFORT: Mapping[str, str] = {"openai/gpt-5.5": "none"}
"""The effort that a caller of the OpenAI dialect must name itself: it is refused any other beside tools."""


class Running(NamedTuple):
    """A gateway before all strict providers."""

    url: str
    providers: Mapping[str, StrictProvider]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all clients."""
    with ExitStack() as stack:
        strict = {name: StrictProvider(name, speak) for name in PROVIDERS}
        configured: dict[str, Any] = {}
        for name, (path, more) in PROVIDERS.items():
            upstream = stack.enter_context(FakeUpstream())
            upstream.otherwise = strict[name]
            configured[name] = loopback(f"{upstream.url}{path}", **more)
        config = {"providers": configured, "virtual_keys": VIRTUAL_KEYS}
        gateway = stack.enter_context(Gateway(tmp_path_factory.mktemp("strict"), config))
        yield Running(gateway.url, strict)


def with_claude_code(url: str, model: str, folder: Path) -> str:
    """Claude Code, on the Anthropic surface."""
    env = {"ANTHROPIC_BASE_URL": f"{url}/anthropic", "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_MODEL": model}
    run = claude_code.run(PROMPT, folder, env=env)
    assert run.status == 0, run
    return run.result["result"]


def with_opencode(url: str, model: str, folder: Path) -> str:
    """opencode, on the OpenAI surface."""
    effort = {"reasoningEffort": EFFORT[model]} if model in EFFORT else {}
    return agents.opencode(PROMPT, folder, agents.Target(url, KEY, model), **effort)


def with_qwen_code(url: str, model: str, folder: Path) -> str:
    """qwen-code, on the OpenAI surface."""
    return agents.qwen_code(PROMPT, folder, agents.Target(url, KEY, model))


def with_codex(url: str, model: str, folder: Path) -> str:
    """Codex, on the Responses surface."""
    return agents.codex(PROMPT, folder, agents.Target(url, KEY, model))


def with_openai_responses(url: str, model: str, folder: Path) -> str:
    """The openai package by the Responses API: a streamed call, sent back with all that came before it."""
    tool = {"type": "function", "name": "bash", "description": "Runs a command", "parameters": TOOL_SCHEMA}
    about: Any = {"model": model, "tools": [tool], "instructions": "Be brief.", "store": False}
    items: list[Any] = [{"role": "user", "content": PROMPT}]
    with openai.OpenAI(base_url=f"{url}/openai/v1", api_key=KEY, max_retries=0) as client:
        with client.responses.stream(input=items, **about) as stream:
            output = stream.get_final_response().output
        (call,) = (item for item in output if item.type == "function_call")
        assert json.loads(call.arguments)["command"] == COMMAND
        result = {"type": "function_call_output", "call_id": call.call_id, "output": PRINTED}
        items += [*(item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in output), result]
        return client.responses.create(input=items, **about).output_text


def with_openai_sdk(url: str, model: str, folder: Path) -> str:
    """The openai package: a streamed tool call, put together and sent back, with reasoning where there was some."""
    function = {"name": "bash", "description": "Runs a command", "parameters": TOOL_SCHEMA}
    about: Any = {"model": model, "tools": [{"type": "function", "function": function}]}
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": PROMPT}]
    with openai.OpenAI(base_url=f"{url}/openai/v1", api_key=KEY, max_retries=0) as client:
        with client.chat.completions.stream(messages=messages, **about) as stream:
            message = stream.get_final_completion().choices[0].message
        assert message.tool_calls is not None
        call = message.tool_calls[0]
        assert json.loads(call.function.arguments)["command"] == COMMAND
        result = {"role": "tool", "tool_call_id": call.id, "content": PRINTED}
        messages += [_sent_back(message), result]
        answer = client.chat.completions.create(messages=messages, **about)
    return answer.choices[0].message.content or ""


def _sent_back(message: Any) -> dict[str, Any]:
    """The message as applications send it back: its members that are set, without what the SDK made of them."""
    found = message.model_dump(exclude_none=True, exclude={"parsed"})
    for call in found["tool_calls"]:
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return found


def with_anthropic_sdk(url: str, model: str, folder: Path) -> str:
    """The anthropic package: a streamed tool call, and its content sent back as it came."""
    tool = {"name": "bash", "description": "Runs a command", "input_schema": TOOL_SCHEMA}
    about: Any = {"model": model, "max_tokens": 4096, "tools": [tool], "system": "Be brief."}
    messages: list[Any] = [{"role": "user", "content": PROMPT}]
    with anthropic.Anthropic(base_url=f"{url}/anthropic", api_key=KEY, max_retries=0) as client:
        with client.messages.stream(messages=messages, **about) as stream:
            content = stream.get_final_message().content
        (use,) = (block for block in content if block.type == "tool_use")
        assert use.input == {"command": COMMAND, "description": "Print a word"}
        result = {"type": "tool_result", "tool_use_id": use.id, "content": PRINTED}
        messages += [{"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
        answer = client.messages.create(messages=messages, **about)
    return "".join(block.text for block in answer.content if block.type == "text")


CLIENTS: Mapping[str, Callable[[str, str, Path], str]] = {
    "claude-code": with_claude_code,
    "opencode": with_opencode,
    "qwen-code": with_qwen_code,
    "codex": with_codex,
    "openai": with_openai_sdk,
    "openai-responses": with_openai_responses,
    "anthropic": with_anthropic_sdk,
}


NATIVE = ("codex", "openai-responses")
"""Clients for which OpenAI is asked by the Responses API, which its fake does not speak: the way to one that does
is in clients/test_openai_responses.py."""
PAIRS = [
    (client, model)
    for client in CLIENTS
    for model in SHAPES
    if not (client in NATIVE and model.startswith("openai/"))
]


@pytest.mark.parametrize(("client", "model"), PAIRS, ids=[f"{client}-{model}" for client, model in PAIRS])
def test_a_tool_call_is_completed(client: str, model: str, running: Running, tmp_path: Path) -> None:
    """The client calls its tool, sends the result back and tells what it was; the provider refused no request of it."""
    strict = running.providers[model.partition("/")[0]]
    strict.refused.clear()
    said = CLIENTS[client](running.url, model, tmp_path)
    assert PRINTED in said
    assert not strict.refused
