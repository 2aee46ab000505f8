"""The guide on calls other than chat: its commands are answered by the mock, as it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from asbru.providers.mock.answers import Answers

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "guides" / "call-shapes.md"


def test_the_commands_are_answered() -> None:
    """Each call is one that the mock takes, and the last one prints what the page says."""
    text = GUIDE.read_text(encoding="utf-8")
    calls = re.findall(r"^curl \$ASBRU(/\S+) -d '(.*)'$", text, re.MULTILINE)
    shown = re.search(r"^```json\n(.*)\n```", text, re.MULTILINE)
    assert [path for path, _ in calls] == ["/v1/embeddings", "/v1/moderations", "/v1/rerank"]
    replies: list[bytes] = []
    for path, body in calls:
        sent = {**json.loads(body), "model": json.loads(body)["model"].removeprefix("mock/")}
        reply = Answers().answer("POST", path, {}, json.dumps(sent, separators=(",", ":")).encode())
        assert reply.status == 200
        replies.append(reply.body)
    assert shown is not None
    assert {**json.loads(shown[1]), "id": ""} == {**json.loads(replies[-1]), "id": ""}
