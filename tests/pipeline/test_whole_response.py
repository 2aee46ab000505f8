"""Whole responses that are none, and what refusals call an operation."""

from __future__ import annotations

import json

import pytest
from tests.fakes.forms import FORM_LINE, form
from tests.fakes.inside import Caller, Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.routing import RetryPolicy

OPERATIONS = ("chat", "rerank", "transcriptions")


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A gateway with a provider that hears and ranks, but paints nothing."""
    retries = RetryPolicy(max=0, pause_initial_s=0.0)
    return Inside(Snapshot(providers=(provider("ears", operations=OPERATIONS, retries=retries),)), monkeypatch)


def hear(inside: Inside, script: bytes) -> Caller:
    """A transcription that is answered so."""
    inside.script("ears", script)
    body = form(("file", ("a.wav", b"RIFF")), ("model", "ears/m"))
    return inside.call("/v1/audio/transcriptions", body, FORM_LINE.encode())


def test_an_empty_transcription_is_no_reply(inside: Inside) -> None:
    """Nothing where JSON was to come is the provider's fault, and is recorded so; silence as a text is a reply."""
    caller = hear(inside, answer(200, b""))
    assert (caller.status, json.loads(caller.body)["error"]["code"]) == (502, "upstream_protocol")
    assert (inside.recorder.rows[-1]["outcome"], inside.recorder.rows[-1]["cost_nanousd"]) == ("error", None)
    silence = hear(inside, answer(200, b"", content_type=b"text/plain; charset=utf-8"))
    assert (silence.status, silence.body) == (200, b"")


def test_refusals_name_operations_in_words(inside: Inside) -> None:
    """Not by the names that they have inside."""
    caller = inside.call("/v1/images/edits", {"model": "ears/m", "prompt": "x"})
    message = json.loads(caller.body)["error"]["message"]
    assert message == "the provider 'ears' does not support image edits; it supports chat, rerank, transcriptions"


def test_rerank_is_asked_for_without_a_version(inside: Inside) -> None:
    """As clients do that append nothing else to their base URL."""
    inside.script("ears", answer(200, b'{"results":[{"index":0,"relevance_score":1}]}'))
    caller = inside.call("/rerank", {"model": "ears/m", "query": "q", "documents": ["a"]})
    assert caller.status == 200
    assert inside.requests[-1][1].startswith(b"POST /v1/rerank HTTP/1.1")
    assert inside.recorder.rows[-1]["surface"] == "openai.rerank"
