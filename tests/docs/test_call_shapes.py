"""The guide on calls other than chat: its commands are answered by the mock, as it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.fakes.forms import FORM_LINE, form

from asbru.providers.mock.answers import Answers, UpstreamResponse

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "guides" / "call-shapes.md"


def test_the_commands_are_answered() -> None:
    """Each call is one that the mock takes, and what the page shows is what it answers."""
    text = GUIDE.read_text(encoding="utf-8")
    calls = re.findall(r"^send (/\S+) '(.*)'(?: > \S+)?$", text, re.MULTILINE)
    forms = re.findall(r'^curl -s "\$ASBRU(/\S+)" -H .* -F model=mock/(\S+) -F file=@\S+$', text, re.MULTILINE)
    ranked, heard = (json.loads(shown) for shown in re.findall(r"^```json\n(.*)\n```", text, re.MULTILINE))
    replies: dict[str, UpstreamResponse] = {}
    for path, body in calls:
        sent = {**json.loads(body), "model": json.loads(body)["model"].removeprefix("mock/")}
        replies[path] = Answers().answer("POST", path, {}, json.dumps(sent, separators=(",", ":")).encode())
    ((path, model),) = forms
    spoken = replies["/v1/audio/speech"]
    assert spoken.events is not None
    sent = form(("model", model), ("file", ("llama.wav", b"".join(spoken.events))))
    replies[path] = Answers().answer("POST", path, {"content-type": FORM_LINE.partition(": ")[2]}, sent)
    assert [(path, reply.status) for path, reply in replies.items()] == [
        ("/v1/embeddings", 200),
        ("/v1/moderations", 200),
        ("/v1/rerank", 200),
        ("/v1/images/generations", 200),
        ("/v1/audio/speech", 200),
        ("/v1/audio/transcriptions", 200),
    ]
    assert {**json.loads(replies["/v1/rerank"].body), "id": ""} == {**ranked, "id": ""}
    assert json.loads(replies["/v1/audio/transcriptions"].body) == heard
