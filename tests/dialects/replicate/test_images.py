"""Images on Replicate, from the OpenAI surface: predictions, done at once or later, and their cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.inside import Caller, Inside, answer
from tests.fakes.translated import configured, noted, sent

from asbru.core.errors import UpstreamError
from asbru.dialects.replicate.images import pending, read_reply

HOST = "api.replicate.com"
ASKED: dict[str, Any] = {"model": "replicate/black-forest-labs/flux-schnell", "prompt": "a bridge"}
DONE: dict[str, Any] = {
    "id": "gm3q",
    "status": "succeeded",
    "output": ["https://replicate.delivery/0.webp", "https://replicate.delivery/1.webp"],
    "error": None,
    "created_at": "2026-01-01T00:00:00.5Z",
}


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A gateway with Replicate."""
    return configured("replicate", tmp_path, monkeypatch, deadlines={"total_s": 10, "first_token_s": 9})


def said(**changed: Any) -> bytes:
    """A prediction."""
    return answer(201, json.dumps({**DONE, **changed}).encode())


def paint(inside: Inside, *scripts: bytes, **members: Any) -> Caller:
    """A call."""
    inside.script(HOST, *scripts)
    return inside.call("/v1/images/generations", {**ASKED, **members})


def test_a_prediction_that_is_done(inside: Inside) -> None:
    """The model, the prompt and what is the model's own; the addresses come back, and each image is charged."""
    caller = paint(inside, said(), n=2, aspect_ratio="3:2", size="1024x1024", quality="high")
    assert (caller.status, json.loads(caller.body)) == (
        200,
        {"created": 1767225600, "data": [{"url": url} for url in DONE["output"]]},
    )
    line, headers, body = sent(inside)
    assert (line, headers["prefer"]) == ("POST /v1/predictions HTTP/1.1", "wait=30")
    assert headers["authorization"] == "Bearer secret"
    assert json.loads(body) == {
        "version": "black-forest-labs/flux-schnell",
        "input": {"prompt": "a bridge", "num_outputs": 2, "aspect_ratio": "3:2"},
    }
    assert noted(caller) == ["dropped size", "dropped quality"]
    row = inside.recorder.rows[-1]
    assert (row["units"], row["cost_nanousd"], row["outcome"]) == ('{"image":2}', 6_000_000, "ok")


def test_a_prediction_that_takes_longer_is_asked_for(inside: Inside) -> None:
    """With the same key, until it is done."""
    begun = (said(status="starting", output=None), said(status="processing", output=None))
    caller = paint(inside, *begun, said(output="data:image/png;base64,AAAA"))
    assert json.loads(caller.body)["data"] == [{"b64_json": "AAAA"}]
    lines = [request.split(b"\r\n")[0] for _, request in inside.requests]
    assert lines == [b"POST /v1/predictions HTTP/1.1", *[b"GET /v1/predictions/gm3q HTTP/1.1"] * 2]
    assert sent(inside)[1]["authorization"] == "Bearer secret" and sent(inside)[2] == b""
    assert inside.pauses[-2:] == [1.0, 1.0]


def test_a_prediction_that_is_never_done(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline of the provider ends the call; nothing is asked after it."""
    monkeypatch.setattr(inside, "pauses", Passing(inside))
    caller = paint(inside, *[said(status="processing", output=None)] * 30)
    assert (caller.status, json.loads(caller.body)["error"]["code"]) == (504, "upstream_timeout")
    assert len(inside.requests) == 11
    assert inside.recorder.rows[-1]["cost_nanousd"] is None


class Passing(list[float]):
    """Pauses take their time."""

    def __init__(self, inside: Inside) -> None:
        super().__init__()
        self._inside = inside

    def __iadd__(self, pauses: Any) -> Passing:
        self._inside.now_s += sum(pauses)
        return self


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"status": "failed", "error": "NSFW content detected"}, "NSFW content detected"),
        ({"status": "canceled"}, "canceled"),
    ],
)
def test_a_prediction_that_failed_is_an_error(inside: Inside, changed: dict[str, Any], words: str) -> None:
    """With the model's words, at once or later; a failed one is not charged."""
    for begun in ((), (said(status="processing", output=None),)):
        caller = paint(inside, *begun, said(**{"output": None, **changed}))
        assert caller.status == 502 and words in json.loads(caller.body)["error"]["message"]


def test_an_error_keeps_its_words(inside: Inside) -> None:
    """As Replicate writes errors."""
    caller = paint(
        inside, answer(422, b'{"title":"Input validation failed","detail":"prompt is required","status":422}')
    )
    assert (caller.status, json.loads(caller.body)["error"]["message"]) == (422, "prompt is required")


@pytest.mark.parametrize("members", [{"response_format": "b64_json"}, {"stream": True}])
def test_what_it_lacks_is_refused(inside: Inside, members: dict[str, Any]) -> None:
    """Before anything is sent."""
    caller = inside.call("/v1/images/generations", {**ASKED, **members})
    assert (caller.status, json.loads(caller.body)["error"]["code"]) == (400, "unsupported_by_provider")
    assert not inside.requests


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"id":"a","status":"succeeded","output":[5]}'])
def test_what_is_no_reply_is_the_providers_fault(body: bytes) -> None:
    """Nothing unforeseen comes of it."""
    with pytest.raises(UpstreamError):
        read_reply(body)


def test_an_id_leads_nowhere_else() -> None:
    """Only what is an id becomes part of a path."""
    with pytest.raises(UpstreamError):
        pending(b'{"id":"../x","status":"starting"}')
