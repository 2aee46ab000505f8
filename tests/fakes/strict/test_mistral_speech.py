"""The strict fake of Mistral's speech refuses what is documented, and serves the rest."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from tests.fakes.happening import Happening
from tests.fakes.strict.mistral_speech import AUDIO, StrictMistralSpeech
from tests.fakes.upstream import Reply, Seen

ASKED = {"model": "m", "input": "hi", "voice_id": "gb_jane_neutral"}


def ask(path: str = "/v1/audio/speech", key: str = "Bearer k", **members: Any) -> Reply:
    """What the fake says."""
    headers = [("authorization", key)]
    return StrictMistralSpeech()(Seen(0, Happening("gone"), "POST", path, headers, json.dumps(members).encode()))


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({**ASKED, "voice": "alloy"}, 422),
        ({**ASKED, "speed": 1}, 422),
        ({**ASKED, "input": ""}, 422),
        ({**ASKED, "response_format": "aac"}, 422),
        ({**ASKED, "voice_id": "alloy"}, 404),
        ({"input": "hi"}, 404),
        ({**ASKED, "path": "/v1/audio/other"}, 404),
        ({**ASKED, "key": ""}, 401),
    ],
)
def test_it_refuses(members: dict[str, Any], status: int) -> None:
    """Members that are OpenAI's, formats and voices that it does not have, and who shows no key."""
    assert ask(**members).status == status


@pytest.mark.parametrize("members", [ASKED, {"input": "hi", "ref_audio": "UklGRg=="}])
def test_it_speaks(members: dict[str, Any]) -> None:
    """Audio inside JSON."""
    said = ask(**members)
    assert (
        base64.b64decode(json.loads(b"".join(step for step in said.steps if isinstance(step, bytes)))["audio_data"])
        == AUDIO
    )
