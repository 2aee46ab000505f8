"""Images and audio through the whole data plane: forms sent on, bytes as they come, streams of typed events, and what
becomes of them when something breaks."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from tests.fakes.forms import BOUNDARY, FORM_LINE, Field, form, read_back
from tests.fakes.happening import Gate
from tests.fakes.upstream import RST, STALL, FakeUpstream, Reply, Step
from tests.fakes.waiting import until
from tests.journeys.caller import HungUp, UpstreamResponse, request
from tests.journeys.gateway import Gateway, fallback, keys, openai, retries

from asbru.app.snapshot import Limits, ProviderFacts
from asbru.core.traits import Traits

OPERATIONS = ("chat", "images", "image_edits", "image_variations", "speech", "transcriptions", "translations")
TRANSCRIPTIONS = "/v1/audio/transcriptions"
TRANSLATIONS = "/v1/audio/translations"
SPEECH = "/v1/audio/speech"
IMAGES = "/v1/images/generations"
EDITS = "/v1/images/edits"
VARIATIONS = "/v1/images/variations"
MP3 = b"ID3\x04\x00" + bytes(range(256)) * 8
FILE: Field = ("file", ("speech.mp3", MP3))
ASKED = {"model": "openai/tts-1", "input": "Hello", "voice": "alloy"}
PAINT = {"model": "openai/gpt-image-1", "prompt": "a cat"}
TOKENS = {
    "type": "tokens",
    "input_tokens": 14,
    "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
    "output_tokens": 5,
    "total_tokens": 19,
}
HEARD = {"text": "Hello.", "usage": TOKENS}
PARTIAL = {"type": "image_generation.partial_image", "b64_json": "QUJD", "partial_image_index": 0}
PAINTED = {
    "type": "image_generation.completed",
    "b64_json": "QUJD",
    "usage": {
        "input_tokens": 7,
        "output_tokens": 4160,
        "total_tokens": 4167,
        "input_tokens_details": {"text_tokens": 7},
    },
}


def media(upstream: FakeUpstream, **changes: Any) -> ProviderFacts:
    """A provider of the OpenAI dialect that offers images and audio."""
    return openai(upstream.url, operations=OPERATIONS, **changes)


def audio(*steps: Step) -> Reply:
    """Audio in chunks."""
    return Reply(200, steps, {"content-type": "audio/mpeg"}, "chunked")


def sse(event: dict[str, Any]) -> bytes:
    """One event."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


async def send_form(gateway: Gateway, path: str, *fields: Field) -> UpstreamResponse:
    """A form, answered whole."""
    return await gateway.call(path, form(*fields), headers=[FORM_LINE])


# Forms


@pytest.mark.parametrize("path", [TRANSCRIPTIONS, TRANSLATIONS, EDITS, VARIATIONS])
async def test_a_form_goes_on_with_the_providers_name_for_the_model(path: str) -> None:
    """All else as it came, byte for byte, with a type that names the same boundary."""
    fields: tuple[Field, ...] = (FILE, ("model", "openai/m"), ("prompt", "größer"), ("x[]", "1"), ("x[]", "2"))
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.json({**HEARD, "data": [{"url": "https://x"}]}))
        answer = await send_form(gateway, path, *fields)
        assert answer.status == 200
        seen = upstream.requests[0]
        assert seen.path == path and seen.headers["authorization"] == "Bearer sk-o1"
        assert seen.headers["content-type"] == f"multipart/form-data; boundary={BOUNDARY}"
        assert list(read_back(seen.body, seen.headers["content-type"])) == [
            ("file", MP3),
            ("model", b"m"),
            ("prompt", "größer".encode()),
            ("x[]", b"1"),
            ("x[]", b"2"),
        ]
        assert len(seen.header_list) == len({name.lower() for name, _ in seen.header_list})


async def test_a_transcription_is_recorded_with_its_usage() -> None:
    """Tokens of text and audio apart."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.json(HEARD))
        answer = await send_form(gateway, TRANSCRIPTIONS, ("model", "openai/gpt-4o-transcribe"), FILE)
        assert answer.json() == HEARD
        row = gateway.row
        assert (row["surface"], row["status"], row["outcome"]) == ("openai.transcriptions", 200, "ok")
        assert (row["model_served"], row["pass_through"]) == ("gpt-4o-transcribe", True)
        assert (row["input_tokens"], row["audio_input_tokens"], row["output_tokens"]) == (4, 10, 5)


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (b"Hello.\n", "text/plain; charset=utf-8"),
        (b"1\n00:00:00,000 --> 00:00:01,000\nHello.\n", "text/plain"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello.\n", "text/vtt"),
        (b'"Hello."', "application/json"),
        (b"", "text/plain"),
    ],
)
async def test_transcripts_in_other_formats_come_as_they_are(text: bytes, content_type: str) -> None:
    """Text, subtitles, and the nothing that silence is transcribed to."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.body(text, content_type))
        answer = await send_form(gateway, TRANSCRIPTIONS, ("model", "openai/m"), ("response_format", "srt"), FILE)
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, text, content_type)
        assert gateway.row["outcome"] == "ok" and gateway.row["usage_source"] == "none"


async def test_fields_that_the_provider_refuses_are_left_out() -> None:
    """And noted, as for JSON."""
    traits = Traits(strip=frozenset(("user",)))
    async with FakeUpstream() as upstream, Gateway(media(upstream, traits=traits)) as gateway:
        upstream.queue(Reply.json(HEARD))
        answer = await send_form(gateway, TRANSCRIPTIONS, ("user", "u"), ("model", "openai/m"), FILE)
        seen = upstream.requests[0]
        assert [name for name, _ in read_back(seen.body, seen.headers["content-type"])] == ["model", "file"]
        assert "user" in answer.headers["x-asbru-notes"]


BAD_FORMS: dict[str, tuple[bytes, list[str], int, str]] = {
    "JSON": (b'{"model":"openai/m"}', [], 415, "form_expected"),
    "no boundary": (form(FILE), ["Content-Type: multipart/form-data"], 400, "invalid_form"),
    "no form": (b"hello", [FORM_LINE], 400, "invalid_form"),
    "no model": (form(FILE), [FORM_LINE], 400, "invalid_request"),
    "two models": (form(("model", "openai/a"), ("model", "openai/b")), [FORM_LINE], 400, "invalid_request"),
    "upper case": (form(("MODEL", "openai/a")), [FORM_LINE], 400, "invalid_request"),
    "a model in a file": (form(("model", ("m", b"openai/m"))), [FORM_LINE], 400, "invalid_form"),
    "an empty body": (b"", [FORM_LINE], 400, "invalid_form"),
    "a cut form": (form(FILE)[:-10], [FORM_LINE], 400, "invalid_form"),
    "a stream of translations": (
        form(("model", "openai/m"), ("stream", "true")),
        [FORM_LINE],
        400,
        "invalid_request",
    ),
}


@pytest.mark.parametrize("what", BAD_FORMS)
async def test_a_bad_form_is_refused_before_anything_is_sent(what: str) -> None:
    """In the caller's dialect; the call is recorded."""
    body, lines, status, code = BAD_FORMS[what]
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        answer = await gateway.call(TRANSLATIONS, body, headers=lines)
        assert (answer.status, answer.error["code"]) == (status, code), answer.body
        assert not upstream.requests and gateway.row["status"] == status


async def test_edits_are_asked_for_by_form_or_json() -> None:
    """Each goes on as what it is."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.otherwise = Reply.json({"data": [{"b64_json": "QUJD"}]})
        await send_form(gateway, EDITS, ("model", "openai/m"), ("prompt", "a hat"), ("image[]", ("a.png", b"PNG")))
        await gateway.call(EDITS, {"model": "openai/m", "prompt": "a hat", "images": [{"file_id": "f"}]})
        await gateway.call(VARIATIONS, {"model": "openai/m"})
        form_seen, json_seen = upstream.requests
        assert form_seen.headers["content-type"].startswith("multipart/form-data")
        assert json_seen.headers["content-type"] == "application/json" and json_seen.json()["model"] == "m"
        assert gateway.rows[-1]["status"] == 415


@pytest.mark.parametrize("coded", [False, True])
async def test_a_large_file_goes_on_whole(coded: bool) -> None:
    """25 MB, while others are served; what looks like very many elements of JSON is none."""
    content = b"[{," * (25_000_000 // 3) if not coded else bytes(range(256)) * 4000 + MP3 * 100
    body = form(("model", "openai/m"), ("file", ("a.wav", content)))
    lines = [FORM_LINE, *(["Content-Encoding: gzip"] if coded else [])]
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.json(HEARD))
        answer = await gateway.call(TRANSCRIPTIONS, gzip.compress(body, 1) if coded else body, headers=lines)
        assert answer.status == 200 and gateway.row["request_bytes"] == len(body)
        seen = upstream.requests[0]
        assert len(seen.body) == len(body) - len("openai/") and content in seen.body


async def test_json_by_a_loose_path_names_its_type_once() -> None:
    """Whatever the caller calls it: the path is found in another way, and must mean the same."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.json({"choices": []}))
        await gateway.call("/v1//chat/completions/", {"model": "openai/m", "messages": []}, headers=[FORM_LINE])
        lines = [value for name, value in upstream.requests[0].header_list if name.lower() == "content-type"]
        assert lines == ["application/json"]


async def test_an_upload_over_the_limit_is_refused_with_its_head() -> None:
    """100 MB announced, nothing of it read."""
    limits = Limits(body_bytes_max=1_000_000)
    async with FakeUpstream() as upstream, Gateway(media(upstream), limits=limits) as gateway:
        async with gateway.caller() as caller:
            head = request(TRANSCRIPTIONS, headers=[FORM_LINE, "Content-Length: 100000000"], length=False)
            caller.send(head)
            answer = await caller.answer()
            assert answer.status == 413 and answer.error["code"] == "body_too_large"
        assert not upstream.requests


async def test_a_caller_that_hangs_up_in_an_upload_leaves_nothing() -> None:
    """Nothing is sent, nothing recorded as a call, and the bytes are let go."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        async with gateway.caller() as caller:
            caller.send(request(TRANSCRIPTIONS, form(("model", "openai/m"), FILE), headers=[FORM_LINE])[:-500])
            await gateway.turn()
        await gateway.settle()
        assert not upstream.requests
        async with gateway.caller() as caller:
            upstream.queue(Reply.json(HEARD))
            caller.send(request(TRANSCRIPTIONS, form(("model", "openai/m"), FILE), headers=[FORM_LINE]))
            assert (await caller.answer()).status == 200


async def test_each_attempt_sends_the_form_anew() -> None:
    """A 500 leads to a retry, and that to the fallback, by its own name for the model."""
    async with FakeUpstream() as upstream:
        facts = (media(upstream, retries=retries(1)), media(upstream, name="other"))
        async with Gateway(*facts, fallbacks=fallback("openai/m", "other/whisper")) as gateway:
            upstream.queue(Reply.json({"error": {"message": "busy"}}, 500), Reply.json({}, 503), Reply.json(HEARD))
            answer = await send_form(gateway, TRANSCRIPTIONS, ("model", "openai/m"), FILE)
            assert answer.status == 200 and gateway.row["attempts"] == 3
            models = [dict(read_back(one.body, one.headers["content-type"]))["model"] for one in upstream.requests]
            assert models == [b"m", b"m", b"whisper"]


@pytest.mark.parametrize("status", [400, 413, 415])
async def test_what_the_provider_refuses_comes_as_it_is(status: int) -> None:
    """A file that is too large, of an unknown kind: its words, its status."""
    said = {
        "error": {"message": "Invalid file format.", "type": "invalid_request_error", "code": None, "param": None}
    }
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.json(said, status))
        answer = await send_form(gateway, TRANSCRIPTIONS, ("model", "openai/m"), FILE)
        assert (answer.status, answer.json()) == (status, said)


# Bytes


async def test_audio_comes_piece_by_piece_as_it_is() -> None:
    """With its type, before the provider has sent all of it; usage is what was asked to be spoken."""
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(audio(MP3, gate, b"data: [DONE]\n\n", b"\x00" * 10))
        async with gateway.caller() as caller:
            caller.send(request(SPEECH, ASKED))
            head = await caller.head()
            assert (head.status, head.headers["content-type"]) == (200, "audio/mpeg")
            assert await caller.piece() == MP3
            gate.open()
            answer = await caller.rest()
        assert answer.body == MP3 + b"data: [DONE]\n\n" + b"\x00" * 10
        row = (await gateway.recorded())[0]
        assert (row["outcome"], row["stream"], row["response_bytes"]) == ("ok", False, len(answer.body))
        assert upstream.requests[0].json() == {**ASKED, "model": "tts-1"}


async def test_audio_with_a_length_comes_whole() -> None:
    """Also where it comes with its head."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.body(MP3, "audio/wav"))
        answer = await gateway.call(SPEECH, ASKED)
        assert (answer.body, answer.headers["content-type"]) == (MP3, "audio/wav")


@pytest.mark.parametrize("end", [RST, "cut"])
async def test_a_cut_in_the_middle_of_audio_is_seen_by_the_caller(end: Any) -> None:
    """The chunks do not end, since nothing can be told inside them; the record says why."""
    reply = audio(MP3, RST) if end is RST else Reply.body(MP3, "audio/mpeg").but(cut_at=100)
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(reply)
        async with gateway.caller() as caller:
            caller.send(request(SPEECH, ASKED))
            await caller.head()
            with pytest.raises(HungUp):
                await caller.rest()
        row = (await gateway.recorded())[0]
        assert (row["outcome"], row["error_code"]) == ("cut", "upstream_cut")


async def test_a_caller_of_http_1_0_sees_the_cut_too() -> None:
    """Its body ends with the connection, which is reset."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(audio(MP3, RST))
        async with gateway.caller() as caller:
            caller.send(request(SPEECH, ASKED, version="1.0"))
            with pytest.raises(HungUp):
                await caller.answer()


@pytest.mark.parametrize(
    "bad",
    [
        Reply.body(b"", "audio/mpeg"),
        audio(),
        audio(RST),
        Reply.json({"error": {"message": "overloaded"}}, 500),
        Reply.json({"error": {"message": "overloaded", "code": 500}}),
    ],
    ids=["empty", "no chunks", "cut before the first byte", "500", "an error with 200"],
)
async def test_no_audio_leads_to_a_retry(bad: Reply) -> None:
    """Whatever fails before the first byte."""
    async with FakeUpstream() as upstream, Gateway(media(upstream, retries=retries(1))) as gateway:
        upstream.queue(bad, audio(MP3))
        answer = await gateway.call(SPEECH, ASKED)
        assert (answer.status, answer.body) == (200, MP3) and gateway.row["attempts"] == 2


async def test_an_unknown_voice_is_the_providers_to_refuse() -> None:
    """Its error comes as it is."""
    said = {"error": {"message": "voice: unknown", "type": "invalid_request_error", "param": "voice", "code": None}}
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.json(said, 400))
        answer = await gateway.call(SPEECH, {**ASKED, "voice": "nobody"})
        assert (answer.status, answer.json()) == (400, said)


async def test_a_slow_reader_holds_the_provider_back() -> None:
    """Megabytes of audio wait at the provider, not here; all of it comes once it is read."""
    count = 40
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(audio(*[b"a" * 1_000_000] * count))
        async with gateway.caller(limit=1 << 16) as caller:
            caller.send(request(SPEECH, ASKED))
            await caller.head()
            pools = list(gateway.lasting.pools.values())
            await until(lambda: any(one.paused for pool in pools for one in pool.under_way()), "it is held back")
            answer = await caller.rest()
        assert len(answer.body) == 1_000_000 * count
        assert (await gateway.recorded())[0]["response_bytes"] == 1_000_000 * count


async def test_a_caller_that_leaves_ends_the_audio() -> None:
    """The provider's connection is closed."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(audio(MP3, STALL))
        async with gateway.caller() as caller:
            caller.send(request(SPEECH, ASKED))
            await caller.head()
            await caller.piece()
        await upstream.requests[0].gone.arrive()
        assert (await gateway.recorded())[0]["outcome"] == "cancelled"


@pytest.mark.parametrize("coding", ["gzip", "br"])
async def test_coded_audio_is_decoded(coding: Any) -> None:
    """Callers did not ask for a coding."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.body(MP3, "audio/wav").coded(coding))
        answer = await gateway.call(SPEECH, ASKED)
        assert answer.body == MP3 and "content-encoding" not in answer.headers


# Streams of events


async def test_partial_images_come_as_they_are_made() -> None:
    """Whole events; the usage of the finished image is recorded."""
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.events(sse(PARTIAL), gate, sse(PAINTED)))
        async with gateway.caller() as caller:
            caller.send(request(IMAGES, {**PAINT, "stream": True, "partial_images": 1}))
            await caller.head()
            assert await caller.piece() == sse(PARTIAL)
            gate.open()
            answer = await caller.rest()
        assert answer.body == sse(PARTIAL) + sse(PAINTED)
        row = (await gateway.recorded())[0]
        assert (row["outcome"], row["stream"], row["input_tokens"]) == ("ok", True, 7)
        assert "stream_options" not in upstream.requests[0].json()


async def test_a_transcript_is_streamed() -> None:
    """Asked for by a field of the form."""
    done = {"type": "transcript.text.done", "text": "Hello.", "usage": TOKENS}
    events = sse({"type": "transcript.text.delta", "delta": "Hello."}) + sse(done)
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.events(*[events[at : at + 7] for at in range(0, len(events), 7)]))
        answer = await send_form(gateway, TRANSCRIPTIONS, ("model", "openai/m"), ("stream", "true"), FILE)
        assert answer.body == events and answer.headers["content-type"] == "text/event-stream"
        assert (gateway.row["outcome"], gateway.row["audio_input_tokens"]) == ("ok", 10)


async def test_a_model_that_cannot_stream_answers_whole() -> None:
    """Whisper ignores that a stream was asked for; OpenAI says so in its reference."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.json(HEARD), Reply.body(b"Hello.\n", "text/plain"))
        for wanted in (json.dumps(HEARD).encode(), b"Hello.\n"):
            answer = await send_form(gateway, TRANSCRIPTIONS, ("model", "openai/m"), ("stream", "true"), FILE)
            assert (answer.status, answer.body) == (200, wanted)
        assert [row["outcome"] for row in gateway.rows] == ["ok", "ok"]


async def test_speech_as_events() -> None:
    """Asked for by `stream_format`; the events' own usage counts."""
    events = sse({"type": "speech.audio.delta", "audio": "QUJD"}) + sse(
        {"type": "speech.audio.done", "usage": TOKENS}
    )
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.events(events))
        answer = await gateway.call(SPEECH, {**ASKED, "stream_format": "sse"})
        assert answer.body == events
        assert (gateway.row["audio_output_tokens"], gateway.row["stream"]) == (5, True)


BROKEN: dict[str, tuple[list[Step], str]] = {
    "a cut": ([RST], "cut"),
    "no end": ([], "cut"),
    "an error": ([b'data: {"type":"error","error":{"message":"boom"}}\n\n'], "error"),
    "no JSON": ([b"data: {boom\n\n"], "error"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_stream_that_breaks_tells_so(what: str) -> None:
    """With an error event, once; what came before is whole."""
    steps, outcome = BROKEN[what]
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.events(sse(PARTIAL), gate, *steps))
        async with gateway.caller() as caller:
            caller.send(request(IMAGES, {**PAINT, "stream": True}))
            await caller.head()
            assert await caller.piece() == sse(PARTIAL)
            gate.open()
            answer = await caller.rest()
        assert answer.body.count(b"data: ") == 2 and b'"error"' in answer.body
        assert gateway.row["outcome"] == outcome and gateway.row["usage_source"] == "none"


async def test_two_images_are_two_ends() -> None:
    """One of them is not the whole stream, if the connection breaks after it."""
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.events(sse(PAINTED), RST), Reply.events(sse(PAINTED), sse(PAINTED), RST))
        for outcome in ("cut", "ok"):
            await gateway.call(IMAGES, {**PAINT, "n": 2, "stream": True})
            assert gateway.rows[-1]["outcome"] == outcome


async def test_an_error_before_the_first_image_leads_to_a_retry() -> None:
    """With status 200, as a first event."""
    async with FakeUpstream() as upstream, Gateway(media(upstream, retries=retries(1))) as gateway:
        upstream.queue(
            Reply.events(b'event: error\ndata: {"error":{"message":"busy","code":500}}\n\n'),
            Reply.events(sse(PAINTED)),
        )
        answer = await gateway.call(IMAGES, {**PAINT, "stream": True})
        assert answer.body == sse(PAINTED) and gateway.row["attempts"] == 2


async def test_another_key_takes_over() -> None:
    """A key that is out of quota sends the same form by the next."""
    async with FakeUpstream() as upstream, Gateway(media(upstream, keys=keys("o1", "o2"))) as gateway:
        upstream.queue(Reply.json({"error": {"message": "slow down"}}, 429), Reply.json(HEARD))
        answer = await send_form(gateway, TRANSCRIPTIONS, ("model", "openai/m"), FILE)
        assert answer.status == 200
        assert [one.headers["authorization"] for one in upstream.requests] == ["Bearer sk-o1", "Bearer sk-o2"]


async def test_a_provider_of_another_dialect_is_refused() -> None:
    """There is no translation of it."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        answer = await send_form(gateway, TRANSCRIPTIONS, ("model", "openai/m"), FILE)
        assert answer.status == 400 and answer.error["code"] == "unsupported_by_provider"
        assert not upstream.requests


async def test_other_calls_are_served_during_an_upload() -> None:
    """Of a large file, also while its form is read."""
    body = form(("model", "openai/m"), ("file", ("a.wav", b"\r\n--" * 5_000_000)))
    async with FakeUpstream() as upstream, Gateway(media(upstream)) as gateway:
        upstream.queue(Reply.json(HEARD))
        async with gateway.caller() as other:
            call = asyncio.ensure_future(gateway.call(TRANSCRIPTIONS, body, headers=[FORM_LINE]))
            while not call.done():
                other.send(request("/livez", method="GET"))
                assert (await other.answer()).status == 200
            assert (await call).status == 200
