"""Claude Code in its Vertex and Foundry modes: a prompt with a tool call, on the same service and on a foreign one.

Its Bedrock mode is in `test_bedrock`, where the strict Bedrock is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from clients import claude_code
from clients.agent_model import PRINTED, speak
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback
from tests.fakes.strict.provider import StrictProvider
from tests.fakes.upstream import FakeUpstream, Reply, Seen

pytestmark = pytest.mark.clients

PLACE = "/v1/projects/p/locations/us-east5"
VERTEX_PATH = re.compile(rf"{PLACE}/publishers/anthropic/models/([^/:]+):streamRawPredict")
VERSION = "vertex-2023-10-16"
GROQ = "groq/llama-3.3-70b-versatile"


class Running(NamedTuple):
    """A gateway before all three services, and what these are."""

    url: str
    strict: dict[str, StrictProvider]
    asked: dict[str, FakeUpstream]


def on_vertex(strict: StrictProvider, seen: Seen) -> Reply:
    """Claude as Vertex AI has it: the model in the path, the version in the body, the rest as Anthropic's."""
    path, asked = VERTEX_PATH.fullmatch(seen.path), seen.json()
    known = "x-goog-api-key" in seen.headers
    if path is None or not known or asked.pop("anthropic_version", None) != VERSION or "model" in asked:
        strict.refused.append(f"not for Vertex AI: {seen.path}")
        return Reply.json({"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}, 400)
    headers = [*seen.header_list, ("anthropic-version", "2023-06-01"), ("x-api-key", "of Anthropic's")]
    body = json.dumps({**asked, "model": path[1]}).encode()
    return strict(replace(seen, target="/v1/messages", body=body, header_list=headers))


def on_foundry(strict: StrictProvider, seen: Seen) -> Reply:
    """Claude as Microsoft Foundry has it: Anthropic's API below a path, with a key of the resource."""
    if not {"api-key", "x-api-key"} & seen.headers.keys() or not seen.target.startswith("/anthropic/v1/messages"):
        strict.refused.append(f"not for Foundry: {seen.path}")
        return Reply.json({"error": {"code": "401", "message": "Access denied"}}, 401)
    headers = [*seen.header_list, ("x-api-key", "of Anthropic's")]
    return strict(replace(seen, target=seen.target.removeprefix("/anthropic"), header_list=headers))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for both modes."""
    vertex, foundry, groq = (StrictProvider(name, speak) for name in ("anthropic", "anthropic", "groq"))
    with ExitStack() as stack:
        asked = {name: stack.enter_context(FakeUpstream()) for name in ("vertex", "foundry", "groq")}
        asked["vertex"].otherwise = lambda seen: on_vertex(vertex, seen)
        asked["foundry"].otherwise = lambda seen: on_foundry(foundry, seen)
        asked["groq"].otherwise = groq
        providers = {
            "vertex": loopback(f"{asked['vertex'].url}{PLACE}"),
            "foundry": loopback(f"{asked['foundry'].url}/anthropic/v1", type="azure", dialect="anthropic"),
            "groq": loopback(f"{asked['groq'].url}/openai/v1"),
        }
        config = {"providers": providers, "virtual_keys": VIRTUAL_KEYS}
        gateway = stack.enter_context(Gateway(tmp_path_factory.mktemp("modes"), config))
        yield Running(gateway.url, {"vertex": vertex, "foundry": foundry, "groq": groq}, asked)


def completes(running: Running, model: str, folder: Path, env: dict[str, str]) -> None:
    """A prompt with a tool call, which the model's provider refuses nothing of."""
    names = {"ANTHROPIC_MODEL": model, "ANTHROPIC_SMALL_FAST_MODEL": model}
    run = claude_code.run("Run the command and tell me what it prints", folder, env={**env, **names})
    assert run.status == 0, run
    assert run.blocks("tool_use") and PRINTED in run.result["result"]
    assert (run.result["subtype"], run.result["is_error"]) == ("success", False)
    provider = model.partition("/")[0]
    assert not running.strict[provider].refused and running.asked[provider].requests
    assert not [event for event in run.events if event.get("subtype") == "api_retry"]


@pytest.mark.parametrize("model", ["vertex/claude-sonnet-4-5", GROQ])
def test_vertex_mode(running: Running, model: str, tmp_path: Path) -> None:
    """On Vertex AI, and on a provider of another format."""
    env = {
        "CLAUDE_CODE_USE_VERTEX": "1",
        "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1",
        "ANTHROPIC_VERTEX_BASE_URL": f"{running.url}/vertex/v1",
        "ANTHROPIC_VERTEX_PROJECT_ID": "any",
        "CLOUD_ML_REGION": "us-east5",
        "ANTHROPIC_CUSTOM_HEADERS": f"x-asbru-key: {KEY}",
    }
    completes(running, model, tmp_path, env)


@pytest.mark.parametrize("model", ["foundry/claude-sonnet-4-5", GROQ])
def test_foundry_mode(running: Running, model: str, tmp_path: Path) -> None:
    """On Microsoft Foundry, and on a provider of another format."""
    env = {
        "CLAUDE_CODE_USE_FOUNDRY": "1",
        "ANTHROPIC_FOUNDRY_BASE_URL": f"{running.url}/anthropic",
        "ANTHROPIC_FOUNDRY_API_KEY": KEY,
    }
    completes(running, model, tmp_path, env)
