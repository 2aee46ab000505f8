"""Traces as a collector receives them: one trace from the application to the provider, on every surface."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import pytest
from tests.fakes.collector import Collector, Received
from tests.fakes.forms import FORM_LINE, form
from tests.fakes.upstream import FIN, FakeUpstream, Gate, Reply
from tests.journeys.caller import request
from tests.journeys.gateway import Gateway, allowed, anthropic, fallback, openai, retries
from tests.journeys.talk import (
    CHAT_PATH,
    CHAT_REPLY,
    CHAT_START,
    CHAT_STREAM,
    CHAT_WORDS,
    COUNT_PATH,
    MESSAGES_PATH,
    MESSAGES_STREAM,
    chat,
    messages,
)
from tests.kits.dialects import CASES, read_case

from asbru.app.snapshot import ProviderFacts
from asbru.core.secret_text import SecretText
from asbru.dialects import Dialect, discover
from asbru.edge.surfaces import routes_of
from asbru.pipeline.refusals import RECORDED_MAX
from asbru.telemetry.names import ERROR_TYPES
from asbru.telemetry.tracing import TraceExport

TRACE = "0af7651916cd43dd8448eb211c80319c"
APP = "b7ad6b7169203331"
TRACEPARENT = f"traceparent: 00-{TRACE}-{APP}-01"
BAD = {"error": {"message": "no", "type": "x", "code": "y"}}
OTHER_BODIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "completions": ({"model": "m", "prompt": "x"}, {"object": "x", "usage": {"prompt_tokens": 3}}),
    "embeddings": ({"model": "m", "input": "x"}, {"object": "x", "data": [], "usage": {"prompt_tokens": 3}}),
    "count_tokens": ({"model": "m", "messages": messages()["messages"]}, {"input_tokens": 3}),
    "compact": (
        {"model": "m", "input": "x"},
        {
            "id": "resp_1",
            "object": "response",
            "status": "completed",
            "model": "m",
            "output": [{"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}],
            "usage": {"input_tokens": 3, "output_tokens": 1},
        },
    ),
    "moderations": ({"model": "m", "input": "x"}, {"results": []}),
    "rerank": ({"model": "m", "query": "x", "documents": ["x"]}, {"results": [], "usage": {"prompt_tokens": 3}}),
    "ocr": ({"model": "m", "document": {}}, {"pages": [], "usage_info": {"pages_processed": 1}}),
    "images": ({"model": "m", "prompt": "x"}, {"data": [], "usage": {"input_tokens": 3}}),
    "image_edits": ({"model": "m", "prompt": "x"}, {"data": [], "usage": {"input_tokens": 3}}),
    "image_variations": ({"model": "m"}, {"data": [], "usage": {"input_tokens": 3}}),
    "speech": ({"model": "m", "input": "x", "voice": "alloy"}, {"audio": "x"}),
    "transcriptions": ({"model": "m"}, {"text": "x", "usage": {"input_tokens": 3}}),
    "translations": ({"model": "m"}, {"text": "x", "usage": {"input_tokens": 3}}),
}
"""A request and a reply of each operation that has no golden cases; forms by their fields."""


class Surface(NamedTuple):
    """One way to call: what is sent, and what the provider answers."""

    name: str
    path: str
    dialect: Dialect
    operation: str
    request: dict[str, Any]
    reply: Reply
    stream: bool


def surfaces() -> Iterator[Surface]:
    """Every operation of every dialect, and its stream, where it has a canonical form."""
    for route in routes_of(discover().values()):
        operation, dialect = route.operation, route.dialect
        if operation is None or "{" in route.path or operation.stored is not None or route.kind in ("mcp", "tool"):
            continue  # calls to tools have no provider
        if operation.codec is None:
            assert operation.name in OTHER_BODIES, f"add a body for {route.surface} to OTHER_BODIES"
            asked, said = OTHER_BODIES[operation.name]
            yield Surface(route.surface, route.path, dialect, operation.name, asked, Reply.json(said), stream=False)
            continue
        wires = {
            kind: read_case(CASES / dialect.name / f"{kind}_text.json").wire
            for kind in ("request", "reply", "stream")
        }
        asked = {**json.loads(wires["request"]), "stream": False, "n": 1}
        yield Surface(route.surface, route.path, dialect, operation.name, asked, Reply.body(wires["reply"]), False)
        streamed = Reply.events(wires["stream"])
        yield Surface(
            route.surface, route.path, dialect, operation.name, {**asked, "stream": True}, streamed, stream=True
        )


def provider_for(dialect: Dialect, url: str) -> ProviderFacts:
    """A provider of a dialect with all that it has."""
    operations = tuple(one.name for one in dialect.operations)
    return openai(url, name="there", dialect=dialect.name, operations=operations, vendor="a.vendor")


@contextmanager
def collector(protocol: Literal["http/protobuf", "grpc"] = "http/protobuf") -> Iterator[Collector]:
    """A collector."""
    with Collector(protocol) as one:
        yield one


def export(to: Collector, **changes: Any) -> TraceExport:
    """Every trace goes to a collector."""
    return TraceExport(endpoint=to.endpoint, protocol=to.protocol, **changes)


def call_and_attempts(spans: list[Received]) -> tuple[Received, list[Received]]:
    """The span of the one call, and those of its attempts in order; checks that they are one trace."""
    (call,) = [span for span in spans if span.kind == "server"]
    attempts = sorted(
        (span for span in spans if span.kind == "client"), key=lambda span: span.attributes["asbru.attempt"]
    )
    assert {span.trace for span in spans} == {call.trace}
    assert {span.parent for span in attempts} <= {call.id}
    assert len({span.id for span in spans}) == len(spans)
    for span in attempts:
        assert call.start_ns <= span.start_ns <= span.end_ns <= call.end_ns
    return call, attempts


@pytest.mark.parametrize("surface", list(surfaces()), ids=lambda one: f"{one.path}{' stream' if one.stream else ''}")
async def test_one_trace_on_every_surface(surface: Surface) -> None:
    """Application, gateway, attempt and provider are one trace, whole and streamed, with the right parents."""
    with collector() as there:
        async with FakeUpstream() as upstream:
            facts = provider_for(surface.dialect, upstream.url)
            async with Gateway(facts, tracing=export(there)) as gateway:
                upstream.queue(surface.reply)
                asked = {**surface.request, "model": "there/m"}
                lines = [TRACEPARENT, "tracestate: a=1,b=2"]
                operation = surface.dialect.operation(surface.operation)
                if operation is not None and operation.takes == "form":
                    body = form(*asked.items(), ("file", ("a", b"x")))
                    answer = await gateway.call(surface.path, body, headers=[*lines, FORM_LINE])
                else:
                    answer = await gateway.call(surface.path, asked, headers=lines)
                assert answer.status == 200, answer.body
                sent = upstream.requests[0].headers
        call, (attempt,) = call_and_attempts(await there.spans(2))
    assert (call.trace, call.parent, call.state) == (TRACE, APP, "a=1,b=2")
    assert sent["traceparent"] == f"00-{TRACE}-{attempt.id}-01"
    assert sent["tracestate"] == "a=1,b=2"
    assert call.attributes["asbru.surface"] == surface.name
    assert call.attributes["asbru.call.id"] == gateway.row["id"]
    assert gateway.row["trace_id"] == call.trace
    assert call.attributes["gen_ai.request.model"] == "there/m"
    assert attempt.attributes["gen_ai.request.model"] == "m"
    assert (call.error, attempt.error) == (None, None)
    for span in (call, attempt):
        assert span.attributes["gen_ai.provider.name"] == "a.vendor"
        assert span.attributes["gen_ai.request.stream"] is surface.stream
        assert span.attributes["http.response.status_code"] == 200
        assert "error.type" not in span.attributes
    chats = [one for one in surface.dialect.operations if one.name == surface.operation and one.codec is not None]
    for span in (call, attempt) if chats else ():
        named = span.attributes["gen_ai.response.model"]  # Cohere's replies name none
        assert named == "m" if surface.dialect.name == "cohere" else named not in ("m", "there/m")
        ends = (["stop"], ["end_turn"], ["completed"], ["COMPLETE"])
        assert span.attributes["gen_ai.response.finish_reasons"] in ends
    in_pieces = surface.stream or (operation is not None and operation.gives == "bytes")
    assert ("gen_ai.response.time_to_first_chunk" in call.attributes) is in_pieces
    expected = gateway.row["input_tokens"]
    assert ("gen_ai.usage.input_tokens" in attempt.attributes) is (expected is not None)
    assert "gen_ai.usage.input_tokens" not in call.attributes


def long_chat() -> list[bytes]:
    """The events of a stream of which the middle is forgotten while it passes."""
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "dated"}
    deltas = [{**chunk, "choices": [{"index": 0, "delta": {"content": "word " * 50}}]}] * 100
    last = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "cut-short"}]}
    return [*(f"data: {json.dumps(one)}\n\n".encode() for one in (*deltas, last)), b"data: [DONE]\n\n"]


def long_message() -> list[bytes]:
    """The same of the other dialect."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "dated", "content": [], "usage": usage}
    delta = {"index": 0, "delta": {"type": "text_delta", "text": "word " * 50}}
    events: list[tuple[str, dict[str, Any]]] = [
        ("message_start", {"message": message}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        *[("content_block_delta", delta)] * 100,
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "cut-short"}, "usage": {"output_tokens": 9}}),
        ("message_stop", {}),
    ]
    return [f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode() for name, data in events]


@pytest.mark.parametrize(
    ("path", "model", "pieces"),
    [
        (CHAT_PATH, "openai/m", long_chat()),
        (MESSAGES_PATH, "openai/m", long_chat()),
        (MESSAGES_PATH, "anthropic/m", long_message()),
    ],
    ids=["openai", "translated", "anthropic"],
)
async def test_a_long_stream_says_which_model_made_it_and_why_it_ended(
    path: str, model: str, pieces: list[bytes]
) -> None:
    """In the provider's words, from the beginning and the end of what passed."""
    body = {"model": model, "max_tokens": 9, "messages": chat()["messages"], "stream": True}
    with collector() as there:
        async with (
            FakeUpstream() as upstream,
            Gateway(openai(upstream.url), anthropic(upstream.url), tracing=export(there)) as gateway,
        ):
            upstream.queue(Reply.events(*pieces))
            assert (await gateway.call(path, body)).status == 200
        call, (attempt,) = call_and_attempts(await there.spans(2))
    for span in (call, attempt):
        assert span.attributes["gen_ai.response.model"] == "dated"
        assert span.attributes["gen_ai.response.finish_reasons"] == ["cut-short"]


async def test_grpc_carries_the_same() -> None:
    """OTLP over gRPC takes the same spans, with the headers and the resource of the settings."""
    with collector("grpc") as there:
        settings = export(there, headers={"x-token": SecretText("t1")}, resource={"service.name": "edge"})
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=settings) as gateway:
            upstream.queue(Reply.json(CHAT_REPLY))
            await gateway.call(CHAT_PATH, chat(), headers=[TRACEPARENT])
        call, (attempt,) = call_and_attempts(await there.spans(2))
    assert (call.name, attempt.name) == ("chat openai/gpt-x", "chat gpt-x")
    assert there.headers["x-token"] == "t1"
    assert call.resource["service.name"] == "edge"
    assert attempt.attributes["gen_ai.usage.output_tokens"] == 2


async def test_retries_and_fallbacks_have_a_span_each() -> None:
    """Three attempts at two providers are three spans under the call; each provider was told its own as the parent."""
    with collector() as there:
        async with (
            FakeUpstream() as first,
            FakeUpstream() as second,
            Gateway(
                openai(first.url, retries=retries(1)),
                anthropic(second.url),
                fallbacks=fallback("openai/gpt-x", "anthropic/claude-x"),
                tracing=export(there),
            ) as gateway,
        ):
            first.otherwise = Reply.json(BAD, 500)
            second.queue(Reply.events(*MESSAGES_STREAM))
            await gateway.call(CHAT_PATH, chat(stream=True))
            told = [seen.headers["traceparent"] for seen in (*first.requests, *second.requests)]
        call, attempts = call_and_attempts(await there.spans(4))
    assert told == [f"00-{call.trace}-{attempt.id}-03" for attempt in attempts]
    assert [one.attributes.get("error.type") for one in attempts] == ["upstream_error", "upstream_error", None]
    assert [one.error for one in attempts] == ["no", "no", None]
    assert [one.attributes["asbru.provider"] for one in attempts] == ["openai", "openai", "anthropic"]
    assert (call.error, call.attributes["asbru.attempts"]) == (None, 3)


async def test_a_target_that_nothing_was_sent_to_is_an_event() -> None:
    """A provider without a usable key is passed over: no span, but an event of the call."""
    with collector() as there:
        async with (
            FakeUpstream() as upstream,
            Gateway(
                openai(upstream.url, name="empty", keys=()),
                openai(upstream.url),
                fallbacks=fallback("empty/gpt-x", "openai/gpt-x"),
                tracing=export(there),
            ) as gateway,
        ):
            upstream.queue(Reply.json(CHAT_REPLY))
            await gateway.call(CHAT_PATH, chat("empty/gpt-x"))
        call, (attempt,) = call_and_attempts(await there.spans(2))
    assert call.events == ["target passed over"]
    assert attempt.attributes["asbru.provider"] == "openai"


@pytest.mark.parametrize(
    ("body", "options", "kind"),
    [
        (chat(), {"key": "sk-asb-nobody"}, "authentication"),
        (b"{", {}, "invalid_request"),
        (chat("nowhere/m"), {}, "not_found"),
        (chat("openai/other"), {}, "permission"),
    ],
)
async def test_refusals_have_a_span(body: object, options: dict[str, Any], kind: str) -> None:
    """A call that is refused before any attempt has a span of its own, which says why and is no error of ours."""
    with collector() as there:
        async with (
            FakeUpstream() as upstream,
            Gateway(openai(upstream.url), virtual_keys=allowed("openai/gpt-x"), tracing=export(there)) as gateway,
        ):
            answer = await gateway.call(CHAT_PATH, body, headers=[TRACEPARENT], **options)
        call, attempts = call_and_attempts(await there.spans(1))
    assert attempts == []
    assert (call.trace, call.parent) == (TRACE, APP)
    assert call.attributes["error.type"] == kind
    assert call.attributes["http.response.status_code"] == answer.status
    assert call.error is None


async def test_refusals_that_are_not_recorded_have_a_span() -> None:
    """Of many calls without a valid key a few are recorded, and all are traced."""
    count = 2 * RECORDED_MAX
    with collector() as there:
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=export(there)) as gateway:
            async with gateway.caller() as caller:
                for _ in range(count):
                    caller.send(request(CHAT_PATH, chat(), key="sk-asb-nobody", headers=[TRACEPARENT]))
                    await caller.answer()
            recorded = len(gateway.rows)
        spans = await there.spans(count)
    assert recorded < count == len(spans)


async def test_a_local_count_is_traced() -> None:
    """Tokens that are counted here are a call without attempts."""
    with collector() as there:
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=export(there)) as gateway:
            await gateway.call(COUNT_PATH, {"model": "openai/gpt-x", "messages": messages()["messages"]})
        call, attempts = call_and_attempts(await there.spans(1))
    assert (call.name, attempts) == ("count_tokens openai/gpt-x", [])


async def test_a_stream_ends_its_spans_when_it_ends() -> None:
    """Nothing is told of a stream before its last byte; one that is cut says so in both spans."""
    gate = Gate()
    with collector() as there:
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=export(there)) as gateway:
            upstream.queue(Reply.events(CHAT_START, *CHAT_WORDS, gate, FIN))
            async with gateway.caller() as caller:
                caller.send(request(CHAT_PATH, chat(stream=True)))
                await caller.head()
                assert gateway.lasting.spans is not None
                assert len(gateway.lasting.spans) == 0
                assert there.requests == 0
                gate.open()
                await caller.rest()
        call, (attempt,) = call_and_attempts(await there.spans(2))
    assert {span.attributes["error.type"] for span in (call, attempt)} == {"upstream_cut"}
    assert {span.attributes["asbru.outcome"] for span in (call, attempt)} == {"cut"}
    assert call.error == "upstream_cut"
    assert attempt.error is not None


async def test_a_caller_who_leaves_ends_the_spans() -> None:
    """A caller that hangs up in the middle of a stream: both spans end as cancelled, without an error."""
    with collector() as there:
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=export(there)) as gateway:
            upstream.queue(Reply.events(CHAT_START, *CHAT_WORDS, Gate()))
            async with gateway.caller() as caller:
                caller.send(request(CHAT_PATH, chat(stream=True)))
                await caller.head()
            await gateway.recorded()
        call, (attempt,) = call_and_attempts(await there.spans(2))
    assert {span.attributes["error.type"] for span in (call, attempt)} == {"cancelled"}
    assert (call.error, attempt.error) == (None, None)


@pytest.mark.parametrize(
    "sent",
    [
        [f"b3: {TRACE}-{APP}-1"],
        [f"b3: {TRACE}-{APP}-d-0000000000000001"],
        [f"X-B3-TraceId: {TRACE}", f"X-B3-SpanId: {APP}", "X-B3-Sampled: 1"],
        [f"X-B3-TraceId: {TRACE}", f"X-B3-SpanId: {APP}", "X-B3-Flags: 1"],
    ],
)
async def test_b3_comes_in_and_w3c_goes_out(sent: list[str]) -> None:
    """A caller's B3 headers, single or several, are its parent; the provider gets traceparent, and no B3."""
    with collector() as there:
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=export(there)) as gateway:
            upstream.queue(Reply.json(CHAT_REPLY))
            await gateway.call(CHAT_PATH, chat(), headers=sent)
            got = upstream.requests[0].headers
        call, (attempt,) = call_and_attempts(await there.spans(2))
    assert (call.trace, call.parent) == (TRACE, APP)
    assert got["traceparent"] == f"00-{TRACE}-{attempt.id}-01"
    assert not [name for name in got if "b3" in name.lower()]


@pytest.mark.parametrize("sent", [f"traceparent: 00-{TRACE}-{APP}-00", f"b3: {TRACE}-{APP}-0", "b3: 0"])
async def test_what_a_caller_does_not_sample_is_passed_on(sent: str) -> None:
    """A caller's decision against a trace holds: no span, and the provider is told the same."""
    with collector() as there:
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=export(there)) as gateway:
            upstream.queue(Reply.json(CHAT_REPLY))
            await gateway.call(CHAT_PATH, chat(), headers=[sent])
            told = upstream.requests[0].headers["traceparent"]
            assert gateway.row["trace_id"] == ("" if sent == "b3: 0" else TRACE)
        assert there.requests == 0
    assert told.endswith(("-00", "-02"))
    assert sent == "b3: 0" or TRACE in told


async def test_a_trace_that_nobody_knows_is_in_no_record() -> None:
    """A call of whose trace there will be no span has ids for its provider, and none in its record."""
    with collector() as there:
        settings = export(there, sample_ratio=0.0)
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=settings) as gateway:
            upstream.queue(Reply.json(CHAT_REPLY))
            await gateway.call(CHAT_PATH, chat())
            assert upstream.requests[0].headers["traceparent"].endswith("-02")
            assert gateway.row["trace_id"] == ""


async def test_a_head_that_comes_again_has_another_trace() -> None:
    """Calls of one client with equal heads, which are known by then, have traces of their own."""
    with collector() as there:
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=export(there)) as gateway:
            upstream.otherwise = Reply.json(CHAT_REPLY)
            async with gateway.caller() as caller:
                for _ in range(5):
                    caller.send(request(CHAT_PATH, chat()))
                    await caller.answer()
            told = {seen.headers["traceparent"] for seen in upstream.requests}
        spans = await there.spans(10)
    assert len(told) == len({span.trace for span in spans}) == 5


async def test_switched_off_headers_go_along() -> None:
    """Without tracing a caller's trace headers reach the provider as they came."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY))
        await gateway.call(CHAT_PATH, chat(), headers=[TRACEPARENT, "b3: 0"])
        assert upstream.requests[0].headers["traceparent"] == TRACEPARENT.partition(": ")[2]
        assert upstream.requests[0].headers["b3"] == "0"
        assert gateway.row["trace_id"] == TRACE


async def test_a_collector_that_hangs_delays_no_call() -> None:
    """Calls are answered while the collector answers nothing; spans beyond the queue are dropped and counted."""
    with collector() as there:
        settings = export(there, queued_spans_max=256, timeout_s=30)
        there.hold()
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=settings) as gateway:
            upstream.otherwise = Reply.json(CHAT_REPLY)
            async with gateway.caller() as caller:
                for _ in range(300):
                    caller.send(request(CHAT_PATH, chat()))
                    assert (await caller.answer()).status == 200
            assert gateway.lasting.spans is not None
            assert len(gateway.lasting.spans) <= 256
            assert gateway.lasting.span_counts.dropped > 0
            there.release()


async def test_a_collector_that_refuses_is_counted() -> None:
    """Spans that the collector does not take are counted as failed, and later ones may be taken."""
    with collector() as there:
        there.refuse = True
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=export(there)) as gateway:
            upstream.otherwise = Reply.json(CHAT_REPLY)
            await gateway.call(CHAT_PATH, chat())
    counts = gateway.lasting.span_counts
    assert (counts.sent, counts.failed) == (0, 2)


async def test_every_error_has_a_type_of_the_list() -> None:
    """Whatever a provider answers, `error.type` is one of the closed list."""
    with collector() as there:
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=export(there)) as gateway:
            statuses = (400, 402, 404, 418, 429, 500, 503, 529)
            for status in statuses:
                upstream.queue(Reply.json(BAD, status))
                for key in gateway.lasting.keys.values():
                    key.limited_until_s = key.refused_until_s = 0.0
                    key.limited_models.clear()
                await gateway.call(CHAT_PATH, chat())
        spans = await there.spans(2 * len(statuses))
    assert {span.attributes["error.type"] for span in spans} <= set(ERROR_TYPES)


async def test_nothing_of_a_body_is_in_a_span() -> None:
    """Words of the caller, of the model, and credentials appear in no span."""
    with collector() as there:
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tracing=export(there)) as gateway:
            upstream.queue(Reply.events(*CHAT_STREAM))
            await gateway.call(MESSAGES_PATH, messages("openai/gpt-x", stream=True))
        text = repr(await there.spans(2))
    for word in ("hello", "Hi", "sk-"):
        assert word not in text
