"""A stage is one object given to the builder: it sees and changes content on every route, whole and streamed."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from itertools import product
from typing import Any

import msgspec
import pytest
from tests.fakes.answers import upstream_answer
from tests.fakes.forms import BOUNDARY, FORM_LINE, Field, form, read_back
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.core.chat import ChatRequest, Part, TextPart
from asbru.core.errors import Forbidden, UpstreamError
from asbru.core.future import Future
from asbru.core.reply import ChatReply, PartDelta, PartStop, StreamEvent
from asbru.edge.surfaces import routes_of
from asbru.pipeline import Call, Stage
from asbru.pipeline.stages import STAGE_DEADLINE_S
from asbru.wire.eventstream import MessageReader

SECRET = "swordfish"
MASK = "*********"
SNAPSHOT = Snapshot(
    providers=(
        provider("openai"),
        provider("anthropic", "anthropic_messages"),
        provider("responses", "openai_responses"),
        provider("bedrock", "bedrock_converse"),
        provider("invoke", "bedrock_invoke"),
        provider("gemini", "gemini"),
        provider("cohere", "cohere", operations=("chat",)),
    ),
)
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "anthropic_messages": "/anthropic/v1/messages",
    "openai_responses": "/v1/responses",
    "bedrock_converse": "/bedrock/model/{}/converse",
    "bedrock_invoke": "/bedrock/model/{}/invoke",
    "gemini": "/genai/v1beta/models/{}:{}",
    "cohere": "/cohere/v2/chat",
}
HOSTS = {
    "openai_chat": "openai",
    "anthropic_messages": "anthropic",
    "openai_responses": "responses",
    "bedrock_converse": "bedrock",
    "bedrock_invoke": "invoke",
    "gemini": "gemini",
    "cohere": "cohere",
}
ENDS = {
    "openai_chat": b'"stop"',
    "anthropic_messages": b"message_stop",
    "openai_responses": b"response.completed",
    "bedrock_converse": b"messageStop",
    "bedrock_invoke": base64.b64encode(b'{"type":"message_stop"}'),
    "gemini": b'"STOP"',
    "cohere": b"message-end",
}
PATH_AND_UPSTREAM = list(product(PATHS, HOSTS))


class Redactor(Stage):
    """Masks a word, also where it is cut by the events of a stream."""

    replies = "changed"

    def __init__(self) -> None:
        self._held = ""

    async def request(self, request: ChatRequest) -> ChatRequest:
        messages = tuple(
            msgspec.structs.replace(message, parts=tuple(self._masked(part) for part in message.parts))
            for message in request.messages
        )
        return request if messages == request.messages else msgspec.structs.replace(request, messages=messages)

    async def texts(self, texts: Sequence[str]) -> Sequence[str]:
        return [text.replace(SECRET, MASK) for text in texts]

    async def reply(self, reply: ChatReply) -> ChatReply:
        choices = tuple(
            msgspec.structs.replace(choice, parts=tuple(self._masked(part) for part in choice.parts))
            for choice in reply.choices
        )
        return msgspec.structs.replace(reply, choices=choices)

    def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        changed: list[StreamEvent] = []
        for event in events:
            if isinstance(event, PartDelta) and event.text is not None:
                text = (self._held + event.text).replace(SECRET, MASK)
                keep = next((n for n in range(len(SECRET) - 1, 0, -1) if text.endswith(SECRET[:n])), 0)
                self._held = text[len(text) - keep :]
                changed.append(msgspec.structs.replace(event, text=text[: len(text) - keep]))
            else:
                if isinstance(event, PartStop) and self._held:
                    changed.append(PartDelta(index=event.index, text=self._held))
                    self._held = ""
                changed.append(event)
        return changed

    @staticmethod
    def _masked(part: Part) -> Part:
        return TextPart(text=part.text.replace(SECRET, MASK)) if isinstance(part, TextPart) else part


class Watcher(Stage):
    """Keeps what it is shown."""

    replies = "watched"

    def __init__(self) -> None:
        self.shown: list[Any] = []

    async def reply(self, reply: ChatReply) -> ChatReply:
        self.shown.append(reply)
        return reply

    def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        self.shown += events
        return []


def texts_of(body: bytes) -> str:
    """All text that a caller's body holds, whole or streamed, in any dialect; of a streamed response its deltas, for
    the last event says all of it again."""

    def walk(value: Any) -> str:
        if isinstance(value, dict):
            return "".join(
                inner if name in ("content", "text") and isinstance(inner, str) else walk(inner)
                for name, inner in value.items()
            )
        return "".join(walk(one) for one in value) if isinstance(value, list) else ""

    if body.startswith(b"{"):
        return walk(json.loads(body))
    if not body.startswith((b"data:", b"event:", b":")):
        told = [json.loads(message.payload) for message in MessageReader().feed(body)]
        told = [json.loads(base64.b64decode(one["bytes"])) if "bytes" in one else one for one in told]
        return "".join(map(walk, told))
    events = [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: {")]
    if body.startswith(b"event: response."):
        return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    return "".join(walk(event) for event in events)


def ask(inside: Inside, dialect: str, upstream: str, *, stream: bool) -> Any:
    """A chat call that holds the secret, whose answer holds it too, cut in two."""
    inside.script(HOSTS[upstream], upstream_answer(upstream, ["It is sword", "fish, sw", "ordfish!"], stream=stream))
    body = {"model": f"{HOSTS[upstream]}/m", "stream": stream, **said(dialect, f"The word is {SECRET}.")}
    return inside.call(*at(dialect, body))


def at(dialect: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Where a call goes, and its body: in some dialects model and stream stand in the path."""
    if dialect == "bedrock_converse":
        path = PATHS[dialect].format(body.pop("model"))
        return f"{path}-stream" if body.pop("stream", False) else path, body
    if dialect == "bedrock_invoke":
        path = PATHS[dialect].format(body.pop("model"))
        return f"{path}-with-response-stream" if body.pop("stream", False) else path, body
    if dialect != "gemini":
        return PATHS[dialect], body
    method = "streamGenerateContent?alt=sse" if body.pop("stream", False) else "generateContent"
    return PATHS[dialect].format(body.pop("model"), method), body


def said(dialect: str, words: str) -> dict[str, Any]:
    """A user's message, as the dialect has it."""
    if dialect == "bedrock_converse":
        return {"messages": [{"role": "user", "content": [{"text": words}]}]}
    if dialect == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": words}]}]}
    messages = [{"role": "user", "content": words}]
    if dialect == "bedrock_invoke":
        return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": messages}
    return {"input": messages} if dialect == "openai_responses" else {"max_tokens": 9, "messages": messages}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("dialect", "upstream"), PATH_AND_UPSTREAM)
def test_a_redacting_stage_holds_on_every_chat_route(
    monkeypatch: pytest.MonkeyPatch, dialect: str, upstream: str, stream: bool
) -> None:
    """Requests and responses of every dialect pair, whole and streamed: the word never gets through, usage does."""
    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: Redactor()])
    caller = ask(inside, dialect, upstream, stream=stream)
    assert caller.status == 200
    assert SECRET.encode() not in inside.requests[-1][1] and MASK.encode() in inside.requests[-1][1]
    assert texts_of(caller.body) == f"It is {MASK}, {MASK}!"
    row = inside.recorder.rows[-1]
    assert (row["outcome"], row["pass_through"], row["input_tokens"], row["output_tokens"]) == ("ok", False, 3, 2)


def test_the_pairs_are_all_there_are() -> None:
    """A new route for chat must stand in the table above."""
    from asbru.dialects import discover

    dialects = discover()
    chat = {route.dialect.name for route in routes_of(dialects.values()) if route.operation and route.operation.codec}
    speaking = {name for name, dialect in dialects.items() if dialect.operation("chat") is not None}
    assert chat == set(PATHS) == set(HOSTS) == speaking


MEDIA = Snapshot(providers=(provider("openai", operations=("chat", "images", "image_edits", "speech")),))


def test_texts_of_a_form_are_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt is another, of another length; the file is as it was, and the model by the provider's name."""
    inside = Inside(MEDIA, monkeypatch, stages=[lambda call: Redactor()])
    inside.script("openai", answer(200, b'{"data":[{"url":"https://x"}]}'))
    fields: list[Field] = [("image", ("a.png", SECRET.encode())), ("prompt", f"a {SECRET}"), ("model", "openai/m")]
    caller = inside.call("/v1/images/edits", form(*fields), FORM_LINE.encode())
    assert caller.status == 200
    sent = inside.requests[-1][1].partition(b"\r\n\r\n")[2]
    wanted = [("image", SECRET.encode()), ("prompt", f"a {MASK}".encode()), ("model", b"m")]
    assert list(read_back(sent, FORM_LINE.partition(": ")[2])) == wanted


def test_a_stage_cannot_end_a_part_of_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it puts in may join what it left to the boundary of the form: then the call is refused."""
    inside = Inside(MEDIA, monkeypatch, stages=[lambda call: Joiner()])
    fields: list[Field] = [("model", "openai/m"), ("prompt", f"a\r\n-{SECRET}-{BOUNDARY}\r\n")]
    caller = inside.call("/v1/images/edits", form(*fields), FORM_LINE.encode())
    assert caller.status == 400 and b"invalid_form" in caller.body and not inside.requests


class Joiner(Redactor):
    """Removes the word."""

    async def texts(self, texts: Sequence[str]) -> Sequence[str]:
        return [text.replace(SECRET, "") for text in texts]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/audio/speech", {"input": f"say {SECRET}", "voice": "alloy"}),
        ("/v1/images/generations", {"prompt": f"a {SECRET}"}),
    ],
)
def test_texts_to_be_spoken_and_painted_are_changed(
    monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    """Before anything is sent; what comes back holds no words."""
    inside = Inside(MEDIA, monkeypatch, stages=[lambda call: Redactor()])
    inside.script("openai", answer(200, b'{"data":[{"url":"https://x"}]}'))
    assert inside.call(path, {"model": "openai/m", **body}).status == 200
    sent = inside.requests[-1][1]
    assert SECRET.encode() not in sent and MASK.encode() in sent


@pytest.mark.parametrize(("path", "member"), [("/v1/embeddings", "input")])
def test_texts_are_changed_where_there_is_no_canonical_form(
    monkeypatch: pytest.MonkeyPatch, path: str, member: str
) -> None:
    """Prompts and inputs, alone or in lists; token numbers and other members stay."""
    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: Redactor()])
    inside.script("openai", answer(200, b'{"choices":[],"usage":{"prompt_tokens":1,"total_tokens":1}}'))
    value = [f"a {SECRET}", "b"]
    assert inside.call(path, {"model": "openai/m", member: value, "user": "u"}).status == 200
    sent = json.loads(inside.requests[-1][1].partition(b"\r\n\r\n")[2])
    assert sent == {"model": "m", member: [f"a {MASK}", "b"], "user": "u"}


@pytest.mark.parametrize("replies", ["ignored", "watched", "changed"])
def test_replies_that_are_no_chat_are_seen(monkeypatch: pytest.MonkeyPatch, replies: Any) -> None:
    """Completions have no canonical form: a stage sees their texts as parts, and changes them if it says so."""
    stage = Redactor()
    stage.replies = replies
    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: stage])
    said = {"choices": [{"index": 0, "text": f"a {SECRET}", "logprobs": {"tokens": [SECRET]}}], "usage": {}}
    inside.script("openai", answer(200, json.dumps(said).encode()))
    caller = inside.call("/v1/completions", {"model": "openai/m", "prompt": [f"a {SECRET}", "b"]})
    assert json.loads(inside.requests[-1][1].partition(b"\r\n\r\n")[2])["prompt"] == [f"a {MASK}", "b"]
    changed = {"choices": [{"index": 0, "text": f"a {MASK}", "logprobs": None}], "usage": {}}
    assert json.loads(caller.body) == (changed if replies == "changed" else said)


def test_token_counts_see_the_changed_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """count_tokens has a canonical request: what the stage made of it is counted here, not by the provider."""
    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: Redactor()])
    messages = [{"role": "user", "content": SECRET}]
    caller = inside.call("/anthropic/v1/messages/count_tokens", {"model": "anthropic/m", "messages": messages})
    inside.play()
    assert caller.status == 200 and json.loads(caller.body)["input_tokens"] > 0
    assert not inside.requests and caller.header(b"x-asbru-notes") is not None


EMPTY = (
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":0,"total_tokens":3}}\n\n'
)


@pytest.mark.parametrize("kind", ["none", "changed", "watched", "pulls"])
@pytest.mark.parametrize("dialect", PATHS)
def test_an_answer_without_content_is_whole(monkeypatch: pytest.MonkeyPatch, dialect: str, kind: str) -> None:
    """A stream that ends well before any content, without a terminator: its end reaches the caller, stages or not."""
    stage: Stage = Stage()
    stage.replies = "watched" if kind == "watched" else "changed"
    stage.pulls = kind == "pulls"
    inside = Inside(SNAPSHOT, monkeypatch, stages=[] if kind == "none" else [lambda call: stage])
    inside.script("openai", answer(200, EMPTY, content_type=b"text/event-stream"))
    caller = inside.call(*at(dialect, {"model": "openai/m", "stream": True, **said(dialect, "hi")}))
    assert ENDS[dialect] in caller.body
    row = inside.recorder.rows[-1]
    assert (row["outcome"], row["attempts"], row["input_tokens"]) == ("ok", 1, 3)


def test_a_refusal_of_the_last_events_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream without a terminator whose end a stage refuses: an error event, as with a terminator."""

    class Refuses(Stage):
        replies = "changed"

        def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
            if any(isinstance(event, PartStop) for event in events):
                raise Forbidden("no", code="blocked")
            return events

    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: Refuses()])
    body = (
        b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n' + EMPTY.split(b"\n\n")[1]
    )
    inside.script("openai", answer(200, body + b"\n\n", content_type=b"text/event-stream"))
    caller = inside.chat("openai/m", stream=True)
    assert b'"blocked"' in caller.body
    assert inside.recorder.rows[-1]["error_code"] == "blocked"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_bug_in_a_stage_ends_the_call(monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    """Also on the last bytes of a stream: the caller is told, nothing hangs, and the record says whose fault it was."""

    class Broken(Stage):
        replies = "changed"

        async def reply(self, reply: ChatReply) -> ChatReply:
            raise ValueError("a bug")

        def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
            if any(isinstance(event, PartStop) for event in events):
                raise ValueError("a bug")
            return events

    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: Broken()])
    caller = ask(inside, "openai_chat", "openai_chat", stream=stream)
    assert b"internal_error" in caller.body
    assert inside.recorder.rows[-1]["error_code"] == "internal_error"
    assert inside.lasting.load.in_flight == 0


@pytest.mark.parametrize("status", [429, 500])
def test_what_a_stage_raises_is_not_the_provider_s(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """A stage that asks a service of its own and hears an error: no retry of a paid reply, no key that cools down."""

    class Asks(Stage):
        replies = "changed"

        async def reply(self, reply: ChatReply) -> ChatReply:
            raise UpstreamError("the service is busy", status=status, retry_after_s=30)

    stages: list[Stage] = [Asks()]
    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: stages.pop() if stages else None])
    assert ask(inside, "openai_chat", "openai_chat", stream=False).status == status
    row = inside.recorder.rows[-1]
    assert (row["attempts"], row["input_tokens"], len(inside.requests)) == (1, 3, 1)
    assert ask(inside, "openai_chat", "openai_chat", stream=False).status == 200


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("dialect", "upstream"), PATH_AND_UPSTREAM)
def test_a_watching_stage_changes_no_byte(
    monkeypatch: pytest.MonkeyPatch, dialect: str, upstream: str, stream: bool
) -> None:
    """It is shown the reply or its events; the caller gets what it would get without the stage."""
    watcher = Watcher()
    watched = ask(Inside(SNAPSHOT, monkeypatch, stages=[lambda call: watcher]), dialect, upstream, stream=stream)
    plain = ask(Inside(SNAPSHOT, monkeypatch), dialect, upstream, stream=stream)
    assert strip_ids(watched.body) == strip_ids(plain.body)
    if stream:
        text = "".join(one.text or "" for one in watcher.shown if isinstance(one, PartDelta))
    else:
        text = watcher.shown[0].choices[0].parts[0].text
    assert text == "It is swordfish, swordfish!"


def strip_ids(body: bytes) -> bytes:
    """A translated answer names when it was made, and by our own id where the provider tells none."""
    import re

    if not body.startswith((b"data:", b"event:", b":", b"{")):
        body = b"".join(message.payload for message in MessageReader().feed(body))
        body = re.sub(rb'"bytes":"([^"]*)"', lambda found: base64.b64decode(found[1]), body)
    body = re.sub(rb"req_[0-9a-f]+", b"req_0", body)
    return re.sub(rb'"(created|created_at)":\d+', rb'"\1":0', body)


class Waits(Redactor):
    """The same, but each batch waits for a store."""

    pulls = True

    def __init__(self, waiting: list[Future[None]]) -> None:
        super().__init__()
        self._waiting = waiting

    async def pull(self, events: list[StreamEvent]) -> list[StreamEvent]:
        future: Future[None] = Future()
        self._waiting.append(future)
        await future
        return self.events(events)


@pytest.mark.parametrize(("dialect", "upstream"), PATH_AND_UPSTREAM)
def test_a_stage_may_wait_in_a_stream(monkeypatch: pytest.MonkeyPatch, dialect: str, upstream: str) -> None:
    """Nothing reaches the caller while the stage waits; then everything does, in order and changed."""
    waiting: list[Future[None]] = []
    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: Waits(waiting)])
    caller = ask(inside, dialect, upstream, stream=True)
    assert texts_of(caller.body) == "" and len(waiting) == 1
    while waiting:
        waiting.pop(0).resolve(None)
        inside.play()
    assert texts_of(caller.body) == f"It is {MASK}, {MASK}!"
    assert inside.recorder.rows[-1]["outcome"] == "ok"


def test_a_stage_that_takes_too_long_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the provider's idle deadline the caller is told, in its dialect, and the call is accounted."""
    waiting: list[Future[None]] = []
    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: Waits(waiting)])
    caller = ask(inside, "openai_chat", "openai_chat", stream=True)
    inside.loop.pass_time(61.0)
    inside.play()
    assert b'"stage_timeout"' in caller.body
    row = inside.recorder.rows[-1]
    assert (row["outcome"], row["error_code"]) == ("cut", "stage_timeout")
    waiting[0].resolve(None)  # too late: nobody listens


def test_a_stage_that_takes_too_long_with_a_request_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a request, before anything is sent."""

    class Hangs(Stage):
        async def request(self, request: ChatRequest) -> ChatRequest:
            await Future[None]()
            return request

    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: Hangs()])
    caller = ask(inside, "openai_chat", "openai_chat", stream=False)
    assert not caller.answer
    inside.loop.pass_time(STAGE_DEADLINE_S + 1)
    inside.play()
    assert caller.status == 503 and b'"stage_timeout"' in caller.body
    assert not inside.requests


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_stage_may_refuse_what_comes_back(monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    """A refusal ends a whole reply with its status, a stream with an error event; the usage still counts."""

    class Blocks(Stage):
        replies = "changed"

        async def reply(self, reply: ChatReply) -> ChatReply:
            raise Forbidden("the rule 'words' forbids this", code="blocked")

        def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
            if any(isinstance(event, PartStop) for event in events):
                raise Forbidden("the rule 'words' forbids this", code="blocked")
            return events

    inside = Inside(SNAPSHOT, monkeypatch, stages=[lambda call: Blocks()])
    caller = ask(inside, "openai_chat", "anthropic_messages", stream=stream)
    assert caller.status == (200 if stream else 403) and b'"blocked"' in caller.body
    row = inside.recorder.rows[-1]
    assert row["error_code"] == "blocked" and row["input_tokens"] == 3
    assert b"[DONE]" not in caller.body


def test_makers_decide_by_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A maker that returns None leaves the call alone: it passes through."""
    seen: list[Call] = []

    def make(call: Call) -> Stage | None:
        seen.append(call)
        return None

    inside = Inside(SNAPSHOT, monkeypatch, stages=[make])
    caller = ask(inside, "openai_chat", "openai_chat", stream=False)
    assert texts_of(caller.body) == "It is swordfish, swordfish!"
    assert inside.recorder.rows[-1]["pass_through"] is True
    assert seen[0].caller is not None and seen[0].head is not None and seen[0].head.model == "openai/m"
