"""SDKs for Node as applications use them: OpenAI's own, and Vercel's AI SDK. Each is one script in `clients/node`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from clients.conftest import Route
from clients.npm import NODE, TOOLS, Package

pytestmark = pytest.mark.clients

RUN_S = 60
SCRIPTS = Path(__file__).with_name("node")
OPENAI = Package("openai", "7.59.0", "openai-node", "openai/package.json")
VERCEL = Package("ai", "7.0.173", "vercel-ai", "ai/package.json", ("@ai-sdk/openai-compatible@3.0.92", "zod@4.6.7"))


@pytest.mark.parametrize(
    ("package", "script", "error"),
    [(OPENAI, "openai.mjs", "NotFoundError"), (VERCEL, "vercel.mjs", "AI_APICallError")],
    ids=["openai", "vercel"],
)
@pytest.mark.parametrize("route", ["oai", "ant"], indirect=True)
def test_a_node_sdk(route: Route, package: Package, script: str, error: str) -> None:
    """Whole, streamed, a tool with its result, and a refusal as the SDK's own error."""
    package.bring()
    told = _run(package, script, route.openai_url, route.key, route.model(""))
    words = "what will the weather be"
    assert (told["whole"], told["streamed"], told["usage"]) == (words, words, 10)
    assert told["called"] == "forecast"
    assert told["end"].endswith("is 7")
    assert told["failed"] == [404, error]


def _run(package: Package, script: str, *arguments: str) -> Any:
    """What a script prints. It stands beside its packages, where Node looks for them."""
    path = TOOLS / package.folder / script
    shutil.copy(SCRIPTS / script, path)
    done = subprocess.run(  # noqa: S603  # our own command
        [str(NODE), str(path), *arguments], capture_output=True, text=True, timeout=RUN_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
