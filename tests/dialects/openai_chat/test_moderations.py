"""Moderations in canonical form: what callers send and providers answer, and what is written of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.errors import BadRequest, UpstreamError
from asbru.core.notes import Note
from asbru.core.shapes.moderation import ModerationInput, ModerationReply, ModerationRequest, ModerationResult
from asbru.core.traits import PLAIN
from asbru.dialects.openai_chat.head import MODERATION_MODEL
from asbru.dialects.openai_chat.moderations import read_reply, read_request, write_reply, write_request

URL = "https://example.com/a.png"
PARTS = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": URL}}]


@pytest.mark.parametrize(
    ("given", "inputs", "written"),
    [
        ("a", (ModerationInput(("a",)),), ["a"]),
        (["a", "b"], (ModerationInput(("a",)), ModerationInput(("b",))), ["a", "b"]),
        (PARTS, (ModerationInput(("a",), (URL,)),), PARTS),
    ],
    ids=["text", "texts", "parts"],
)
def test_inputs(given: Any, inputs: tuple[ModerationInput, ...], written: Any) -> None:
    """A text, several (a result for each), or parts (one result); the model may be left out."""
    request = read_request(json.dumps({"input": given, "x": 1}).encode())
    assert (request.model, request.inputs) == (MODERATION_MODEL, inputs)
    assert json.loads(write_request(request, "served", PLAIN).body) == {"model": "served", "input": written, "x": 1}


@pytest.mark.parametrize("given", [None, [], 5, [1], ["a", 1], [{"type": "text"}], [{"image_url": {}}]], ids=str)
def test_bad_requests_are_the_callers_fault(given: Any) -> None:
    """Nothing to judge, or something else."""
    with pytest.raises(BadRequest):
        read_request(json.dumps({"input": given}).encode())


def test_images_beside_other_inputs_are_noted() -> None:
    """The API judges images in a call of their own."""
    request = ModerationRequest(model="m", inputs=(ModerationInput(("a",)), ModerationInput(("b", "c"), (URL,))))
    written = write_request(request, "m", PLAIN)
    assert json.loads(written.body)["input"] == ["a", "b\nc"]
    assert written.notes == (Note("dropped", "input[1].images", "images are moderated one input at a time"),)


def test_a_reply_survives() -> None:
    """Verdicts, categories and scores."""
    results = (ModerationResult(True, {"hate": True}, {"hate": 0.9}), ModerationResult(False, {}, {}))
    reply = ModerationReply(results=results, id="modr-1", model="up")
    request = ModerationRequest(model="m", inputs=(ModerationInput(("a",)),))
    assert read_reply(write_reply(reply, request).body) == reply


@pytest.mark.parametrize(("hate", "flagged"), [(True, True), (False, False)])
def test_a_result_without_a_verdict(hate: bool, flagged: bool) -> None:
    """Mistral tells categories alone; one that holds decides. A category that was not judged is left out."""
    result = {"categories": {"hate": hate, "law": None}, "category_scores": {"hate": 0.5, "law": None}}
    (read,) = read_reply(json.dumps({"results": [result]}).encode()).results
    assert read == ModerationResult(flagged, {"hate": hate}, {"hate": 0.5})


@pytest.mark.parametrize("results", [None, [], [1], [{"categories": []}], [{"flagged": "no"}]], ids=str)
def test_what_is_no_reply_is_the_providers_fault(results: Any) -> None:
    """No result, or one that is none."""
    with pytest.raises(UpstreamError):
        read_reply(json.dumps({"results": results}).encode())
