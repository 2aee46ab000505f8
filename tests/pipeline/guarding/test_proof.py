"""What the proof says of each operation is what happens there: a canary goes in and comes out of every one."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.extending.test_stage import HOSTS
from tests.fakes.answers import upstream_answer
from tests.fakes.forms import FORM_LINE, form
from tests.fakes.inside import Caller, Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.dialects import discover
from asbru.guardrails import GuardrailRule, GuardrailSettings, ProofRow
from asbru.pipeline.guarding import proof_of

WORD = "canary"
MODEL = "{}/m"
MESSAGES = {"messages": [{"role": "user", "content": WORD}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": WORD}]}]}
TURNS = {"messages": [{"role": "user", "content": [{"text": WORD}]}]}
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, **MESSAGES}
PREDICT = "/vertex/v1/projects/p/locations/l/publishers/anthropic/models"
ONE = {"model": "models/m", "content": {"parts": [{"text": WORD}]}}
CALLS: dict[str, tuple[str, Any]] = {
    "anthropic.messages": ("/anthropic/v1/messages", {"max_tokens": 9, **MESSAGES}),
    "anthropic.count_tokens": ("/anthropic/v1/messages/count_tokens", MESSAGES),
    "anthropic.count_raw_predict": (f"{PREDICT}/count-tokens:rawPredict", {"model": "{}", **MESSAGES}),
    "anthropic.raw_predict": (f"{PREDICT}/{{}}:rawPredict", CLAUDE),
    "anthropic.stream_raw_predict": (f"{PREDICT}/{{}}:streamRawPredict", CLAUDE),
    "bedrock.converse": ("/bedrock/model/{}/converse", TURNS),
    "bedrock.converse_stream": ("/bedrock/model/{}/converse-stream", TURNS),
    "bedrock.count_tokens": ("/bedrock/model/{}/count-tokens", {"input": {"converse": TURNS}}),
    "bedrock.invoke": ("/bedrock/model/{}/invoke", CLAUDE),
    "bedrock.invoke_stream": ("/bedrock/model/{}/invoke-with-response-stream", CLAUDE),
    "cohere.chat": ("/cohere/v2/chat", MESSAGES),
    "cohere.embed": ("/cohere/v2/embed", {"texts": ["a", WORD], "input_type": "search_document"}),
    "cohere.rerank": ("/cohere/v2/rerank", {"query": "a", "documents": ["b", WORD]}),
    "genai.generate": ("/genai/v1beta/models/{}:generateContent", CONTENTS),
    "genai.stream": ("/genai/v1beta/models/{}:streamGenerateContent?alt=sse", CONTENTS),
    "genai.count_tokens": ("/genai/v1beta/models/{}:countTokens", CONTENTS),
    "genai.batch_embed": ("/genai/v1beta/models/{}:batchEmbedContents", {"requests": [ONE]}),
    "genai.embed": ("/genai/v1beta/models/{}:embedContent", ONE),
    "openai.chat": ("/v1/chat/completions", MESSAGES),
    "openai.completions": ("/v1/completions", {"prompt": ["a", WORD]}),
    "openai.embeddings": ("/v1/embeddings", {"input": ["a", WORD]}),
    "openai.moderations": ("/v1/moderations", {"input": [{"type": "text", "text": WORD}]}),
    "openai.rerank": ("/v1/rerank", {"query": WORD, "documents": ["a"]}),
    "openai.images": ("/v1/images/generations", {"prompt": WORD}),
    "openai.image_edits": ("/v1/images/edits", [("image", ("a.png", b"x")), ("prompt", WORD)]),
    "openai.speech": ("/v1/audio/speech", {"input": WORD, "voice": "alloy"}),
    "openai.transcriptions": ("/v1/audio/transcriptions", [("file", ("a.wav", b"x")), ("prompt", WORD)]),
    "openai.translations": ("/v1/audio/translations", [("file", ("a.wav", b"x")), ("prompt", WORD)]),
    "openai.responses": ("/v1/responses", {"input": WORD}),
    "openai.responses.input_tokens": ("/v1/responses/input_tokens", {"input": WORD}),
    "openai.responses.compact": ("/v1/responses/compact", {"input": WORD}),
}
"""A call of each operation that says the word."""
WORDLESS = {"openai.ocr", "openai.image_variations"}
"""Operations whose requests hold no text."""
PROVIDERS = Snapshot(
    providers=tuple(
        provider(host, name, operations=tuple({one.name for one in discover()[name].operations} | {"models"}))
        for name, host in HOSTS.items()
    )
)


def rows(**rule: Any) -> list[ProofRow]:
    """The proof of a rule."""
    return list(proof_of(msgspec.convert({"name": "r", "checks": CHECKS, **rule}, GuardrailRule)))


CHECKS = [{"regex": {"patterns": {"bird": WORD}}}]


def inside_with(monkeypatch: pytest.MonkeyPatch, **rule: Any) -> Inside:
    """The gateway with a rule that looks for the word."""
    declared = msgspec.convert({"name": "r", "checks": CHECKS, **rule}, GuardrailRule)
    return Inside(msgspec.structs.replace(PROVIDERS, guardrails=GuardrailSettings(rules=(declared,))), monkeypatch)


def host_of(surface: str) -> str:
    """The provider of the surface's own dialect."""
    return HOSTS[
        next(
            name
            for name, dialect in discover().items()
            for one in dialect.operations
            if f"{dialect.surface.name}.{one.surface}" == surface
        )
    ]


def call(inside: Inside, surface: str, *, stream: bool) -> Caller:
    """A call of an operation that says the word."""
    path, body = CALLS[surface]
    model = MODEL.format(host_of(surface))
    path = path.format(model)
    if isinstance(body, list):
        fields = [*body, ("model", model), *([("stream", "true")] if stream else [])]
        return inside.call(path, form(*fields), FORM_LINE.encode())
    told: dict[str, Any] = {} if "{}" in CALLS[surface][0] else {"model": model}
    return inside.call(path, {**body, **told, **({"stream": True} if stream and told else {})})


def enforced(place: str) -> list[Any]:
    """The operations and stream modes in which the proof says that the rule acts there."""
    return [
        pytest.param(row, id=f"{row.surface}-{'stream' if row.stream else 'whole'}")
        for row in rows(places=[place], action="redact")
        if row.verdict == "enforced" and row.surface not in WORDLESS and is_reached(row)
    ]


def is_reached(row: ProofRow) -> bool:
    """Whether the operation itself can be asked so: where the model stands in the path, streams have their own."""
    return "{}" not in CALLS[row.surface][0] or row.stream == ("stream" in row.surface)


def test_every_operation_is_tried() -> None:
    """One that is new must stand in the table above; what cannot be read is refused."""
    unread = {row.surface for row in rows(places=["input"]) if row.verdict == "refused"}
    assert unread == {"passthrough", "openai.batches", "anthropic.message_batches"}
    assert {row.surface for row in rows(places=["input"])} == CALLS.keys() | WORDLESS | unread
    assert {row.surface for row in rows(places=["output"]) if row.verdict == "refused"} == unread


@pytest.mark.parametrize("row", enforced("input"))
def test_what_goes_in_is_blocked_and_redacted(monkeypatch: pytest.MonkeyPatch, row: ProofRow) -> None:
    """Nothing is sent, or what is sent is without the word."""
    inside = inside_with(monkeypatch, places=["input"])
    caller = call(inside, row.surface, stream=row.stream)
    assert (caller.status, inside.requests) == (400, []), caller.answer
    assert b"input" in caller.body
    inside = inside_with(monkeypatch, places=["input"], action="redact")
    inside.script(host_of(row.surface), reply(row.surface, stream=row.stream))
    call(inside, row.surface, stream=row.stream)
    assert all(WORD.encode() not in sent for _, sent in inside.requests)
    assert json.loads(inside.recorder.rows[-1]["guardrails"])[0]["action"] == "redact"


COMPLETION = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
CHUNKS: dict[str, list[dict[str, Any]]] = {
    "openai.completions": [
        *(
            {**COMPLETION, "choices": [{"index": 0, "text": one, "logprobs": None, "finish_reason": None}]}
            for one in ("A can", "ary sings")
        ),
        {**COMPLETION, "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]},
    ],
    "openai.transcriptions": [
        {"type": "transcript.text.delta", "delta": "A can"},
        {"type": "transcript.text.delta", "delta": "ary sings"},
        {"type": "transcript.text.segment", "text": "A canary sings", "start": 0, "end": 1},
        {"type": "transcript.text.done", "text": "A canary sings", "usage": {"type": "duration", "seconds": 2}},
    ],
}
REPLIES: dict[str, dict[str, Any]] = {
    "openai.completions": {
        **COMPLETION,
        "choices": [{"index": 0, "text": "A canary sings", "logprobs": {"tokens": ["A ", WORD]}}],
    },
    "openai.transcriptions": {"text": "A canary sings", "words": [{"word": WORD}], "segments": [{"text": WORD}]},
    "openai.translations": {"text": "A canary sings"},
    "openai.images": {"created": 1, "data": [{"url": "https://x", "revised_prompt": "A canary sings"}]},
    "openai.image_edits": {"created": 1, "data": [{"url": "https://x", "revised_prompt": "A canary sings"}]},
    "openai.responses.compact": {
        "id": "r",
        "object": "response.compaction",
        "output": [{"type": "message", "content": [{"type": "input_text", "text": "A canary sings"}]}],
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    },
}


def reply(surface: str, *, stream: bool) -> bytes:
    """An answer that says the word."""
    if surface in REPLIES and not stream:
        return answer(200, json.dumps(REPLIES[surface]).encode())
    if surface in CHUNKS:
        body = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in CHUNKS[surface])
        done = b"data: [DONE]\n\n" if surface == "openai.completions" else b""
        return answer(200, body + done, content_type=b"text/event-stream")
    dialect = next(name for name, host in HOSTS.items() if host == host_of(surface))
    return upstream_answer(dialect, ["A can", "ary sings"], stream=stream)


@pytest.mark.parametrize("action", ["redact", "block", "annotate"])
@pytest.mark.parametrize("row", enforced("output"))
def test_what_comes_out_is_blocked_redacted_and_told(
    monkeypatch: pytest.MonkeyPatch, row: ProofRow, action: str
) -> None:
    """The word is not in what the caller gets, unless the rule only tells; all else is."""
    inside = inside_with(monkeypatch, places=["output"], action=action)
    inside.script(host_of(row.surface), reply(row.surface, stream=row.stream))
    caller = call(inside, row.surface, stream=row.stream)
    record = inside.recorder.rows[-1]
    assert json.loads(record["guardrails"])[0]["action"] == action, caller.answer
    if action == "block":
        assert record["error_code"] == "guardrail_blocked" and b"ary sings" not in caller.body
        return
    if row.surface.endswith("compact"):
        return  # what Asbru compacts is sealed, by a key that is not here
    assert (caller.status, record["outcome"]) == (200, "ok"), caller.answer
    if action == "redact" and "invoke" not in row.surface:
        assert b"BIRD" in caller.body and b"sings" in caller.body
        assert b"canary" not in caller.body and b"ary sings" not in caller.body
