"""From a request to an answer: the mock's routes, in both dialects. Pure but for the memory of flaky prompts.

An answer is a status, headers and pieces, with marks for what goes wrong on the way: the server only obeys them.
Not here: sockets and time (`server`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from types import ModuleType
from typing import Literal, TypeAlias

import msgspec

from asbru.providers.mock import anthropic_wire, openai_wire, pictures, ranking, sounds
from asbru.providers.mock.faults import MODELS, Faults, Plan
from asbru.providers.mock.form import Form, read_form
from asbru.providers.mock.prompt import Prompt, Refusal
from asbru.providers.mock.script import write_script

JSON_TYPE = "application/json"
GARBAGE_EVENT = b'data: {"id": "mock", "choices": [{"delta": {"content": "\xff\xfe\x00\n\n'
GARBAGE_BODY = b'{"id": "mock", "cho\xff\xfe\x00'
WRONG_TYPE_BODY = b"<html><body><h1>It works!</h1></body></html>"
MID_STREAM = Refusal(529, "Overloaded: the mock was asked to fail in the middle of its answer")
IN_200 = Refusal(500, "The mock was asked for an error inside a 200")

Ending: TypeAlias = Literal["end", "cut", "stall"]


class UpstreamResponse(msgspec.Struct, kw_only=True):
    """What goes back. `body` is sent whole; `events` one by one, `pause_ms` apart. After them: `end` (properly),
    `cut` (the connection is closed) or `stall` (nothing more comes). `body_sent`: how much of the body is sent."""

    status: int = 200
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    body_sent: int | None = None
    events: Iterator[bytes] | None = None
    slow_ms: int = 0
    pause_ms: int = 0
    ending: Ending = "end"


class Answers:
    """Answers requests, one at a time."""

    def __init__(self) -> None:
        self._faults = Faults()
        self._posts: dict[str, Callable[[bytes], UpstreamResponse]] = {
            "/v1/chat/completions": self._chat,
            "/v1/completions": self._completion,
            "/v1/embeddings": lambda body: UpstreamResponse(body=openai_wire.embed(body)),
            "/v1/moderations": lambda body: UpstreamResponse(body=ranking.moderate(body)),
            "/v1/rerank": lambda body: UpstreamResponse(body=ranking.rerank(body)),
            "/v1/ocr": lambda body: UpstreamResponse(body=ranking.read_document(body)),
            "/v1/images/generations": lambda body: self._images(pictures.read_generation(body)),
            "/v1/audio/speech": self._speech,
            "/v1/messages": self._messages,
            "/v1/messages/count_tokens": self._count,
        }
        self._forms: dict[str, Callable[[Form], UpstreamResponse]] = {
            "/v1/images/edits": lambda form: self._images(pictures.read_edit(form)),
            "/v1/images/variations": lambda form: self._images(pictures.read_variation(form)),
            "/v1/audio/transcriptions": lambda form: self._hear(sounds.hear(form, "transcribe")),
            "/v1/audio/translations": lambda form: self._hear(sounds.hear(form, "translate")),
        }

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> UpstreamResponse:
        """The answer to one request; `headers` by lower-case name."""
        path = target.partition("?")[0].rstrip("/")
        speaks_anthropic = path.startswith("/v1/messages") or "anthropic-version" in headers
        wire = anthropic_wire if speaks_anthropic else openai_wire
        try:
            if method == "POST" and path in self._forms:
                return self._forms[path](read_form(body, headers.get("content-type", "")))
            return self._route(method, path, body, wire)
        except Refusal as refusal:
            after = () if refusal.retry_after is None else (("retry-after", refusal.retry_after),)
            return UpstreamResponse(status=refusal.status, headers=after, body=wire.write_error(refusal))

    def _route(self, method: str, path: str, body: bytes, wire: ModuleType) -> UpstreamResponse:
        if method in ("GET", "HEAD"):
            if path == "/v1/models":
                return UpstreamResponse(body=wire.list_models())
            if path.startswith("/v1/models/"):
                return UpstreamResponse(body=wire.show_model(path.removeprefix("/v1/models/")))
            if path in ("", "/v1"):
                return UpstreamResponse(body=b'{"service":"asbru mock"}')
        handler = self._posts.get(path)
        if handler is None and path not in self._forms:
            raise Refusal(404, f"There is nothing at {method} {path}", code="unknown_url")
        if handler is None or method != "POST":
            raise Refusal(405, f"{path} takes POST, not {method}")
        return handler(body)

    def _chat(self, body: bytes) -> UpstreamResponse:
        prompt = openai_wire.read_chat(body)
        plan = self._faults.plan(prompt)
        script = write_script(prompt, plan.base)
        if not prompt.stream:
            return _whole(openai_wire.write_reply(script), plan, openai_wire.write_error(IN_200))
        events = openai_wire.write_events(script, include_usage=prompt.include_usage)
        return _stream(events, plan, openai_wire.write_error_event, script.pause_ms)

    def _completion(self, body: bytes) -> UpstreamResponse:
        prompt = openai_wire.read_completion(body)
        plan = self._faults.plan(prompt)
        script = write_script(prompt, plan.base)
        if not prompt.stream:
            return _whole(openai_wire.write_completion(script), plan, openai_wire.write_error(IN_200))
        events = openai_wire.write_completion_events(script, include_usage=prompt.include_usage)
        return _stream(events, plan, openai_wire.write_error_event, script.pause_ms)

    def _messages(self, body: bytes) -> UpstreamResponse:
        prompt = anthropic_wire.read_messages(body)
        plan = self._faults.plan(prompt)
        script = write_script(prompt, plan.base)
        if not prompt.stream:
            return _whole(anthropic_wire.write_reply(script), plan, anthropic_wire.write_error(IN_200))
        return _stream(anthropic_wire.write_events(script), plan, anthropic_wire.write_error_event, script.pause_ms)

    def _images(self, picture: pictures.Picture) -> UpstreamResponse:
        plan = self._plan_media(picture.model, picture.prompt, pictures.MODEL)
        if picture.stream:
            return _stream(pictures.write_image_events(picture), plan, openai_wire.write_error_event)
        return _whole(pictures.write_images(picture), plan, openai_wire.write_error(IN_200))

    def _speech(self, body: bytes) -> UpstreamResponse:
        speech = sounds.read_speech(body)
        plan = self._plan_media(speech.model, speech.text, sounds.SPEAKING)
        if speech.stream:
            return _stream(sounds.write_speech_events(speech), plan, openai_wire.write_error_event)
        if plan.error_in_200:
            return _whole(b"", plan, openai_wire.write_error(IN_200))
        if plan.error_after is not None:  # audio has no events that could tell an error
            plan = msgspec.structs.replace(plan, cut_after=plan.error_after, error_after=None)
        answer = _stream(sounds.write_speech(speech), plan, openai_wire.write_error_event)
        if answer.events is not None:
            answer.content_type = speech.content_type
        return answer

    def _hear(self, heard: sounds.Heard) -> UpstreamResponse:
        plan = self._plan_media(heard.model, heard.text, sounds.LISTENING)
        if heard.stream:
            return _stream(sounds.write_heard_events(heard), plan, openai_wire.write_error_event)
        answer = _whole(sounds.write_heard(heard), plan, openai_wire.write_error(IN_200))
        if not (plan.wrong_type or plan.error_in_200 or plan.error_after):
            answer.content_type = heard.content_type
        return answer

    def _plan_media(self, model: str, text: str, only: str) -> Plan:
        """How to answer where one model does; a fault alone means it."""
        base, _, fault = model.rpartition("+")
        named = f"{only}+{fault}" if not base and fault not in MODELS else model
        plan = self._faults.plan(Prompt(model=named, last_user=text))
        if plan.base != only:
            raise Refusal(404, f"The model `{model}` does not do this: use {only}", code="model_not_found")
        return plan

    def _count(self, body: bytes) -> UpstreamResponse:
        prompt: Prompt = anthropic_wire.read_messages(body, counting=True)
        self._faults.plan(prompt)
        return UpstreamResponse(body=anthropic_wire.write_count(prompt))


def _whole(body: bytes, plan: Plan, error: bytes) -> UpstreamResponse:
    """A JSON answer, spoilt as planned."""
    answer = UpstreamResponse(body=body, slow_ms=plan.slow_ms)
    if plan.error_in_200 or plan.error_after is not None:
        answer.body = error
    elif plan.garbage:
        answer.body = GARBAGE_BODY
    elif plan.wrong_type:
        answer.content_type, answer.body = "text/html", WRONG_TYPE_BODY
    elif plan.cut_after is not None:
        answer.body_sent, answer.ending = min(plan.cut_after, len(body) - 1), "cut"
    elif plan.stall_after is not None:
        answer.body_sent, answer.ending = min(plan.stall_after, len(body) - 1), "stall"
    return answer


def _stream(
    events: Iterator[bytes], plan: Plan, write_error_event: Callable[[Refusal], bytes], pause_ms: int = 0
) -> UpstreamResponse:
    """A stream, spoilt as planned."""
    pause_ms = pause_ms if plan.pause_ms is None else plan.pause_ms
    answer = UpstreamResponse(
        content_type=openai_wire.STREAM_TYPE, events=events, slow_ms=plan.slow_ms, pause_ms=pause_ms, ending="end"
    )
    if plan.wrong_type:
        answer.content_type, answer.body, answer.events = "text/html", WRONG_TYPE_BODY, None
    elif plan.error_in_200:
        answer.events = iter((write_error_event(IN_200),))
    elif plan.error_after is not None:
        answer.events = chain(islice(events, plan.error_after), (write_error_event(MID_STREAM),))
    elif plan.garbage:
        answer.events = chain(islice(events, 2), (GARBAGE_EVENT,))
    elif not plan.done:
        answer.events = _all_but_last(events)
    elif plan.cut_after is not None:
        answer.events, answer.ending = islice(events, plan.cut_after), "cut"
    elif plan.stall_after is not None:
        answer.events, answer.ending = islice(events, plan.stall_after), "stall"
    return answer


def _all_but_last(events: Iterator[bytes]) -> Iterator[bytes]:
    held = next(events)
    for event in events:
        yield held
        held = event
