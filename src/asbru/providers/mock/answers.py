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

from asbru.providers.mock import anthropic_wire, openai_wire, ranking
from asbru.providers.mock.faults import Faults, Plan
from asbru.providers.mock.prompt import Prompt, Refusal
from asbru.providers.mock.script import Script, write_script

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
            "/v1/messages": self._messages,
            "/v1/messages/count_tokens": self._count,
        }

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> UpstreamResponse:
        """The answer to one request; `headers` by lower-case name."""
        path = target.partition("?")[0].rstrip("/")
        speaks_anthropic = path.startswith("/v1/messages") or "anthropic-version" in headers
        wire = anthropic_wire if speaks_anthropic else openai_wire
        try:
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
        if handler is None:
            raise Refusal(404, f"There is nothing at {method} {path}", code="unknown_url")
        if method != "POST":
            raise Refusal(405, f"{path} takes POST, not {method}")
        return handler(body)

    def _chat(self, body: bytes) -> UpstreamResponse:
        prompt = openai_wire.read_chat(body)
        plan = self._faults.plan(prompt)
        script = write_script(prompt, plan.base)
        if not prompt.stream:
            return _whole(openai_wire.write_reply(script), plan, openai_wire.write_error(IN_200))
        events = openai_wire.write_events(script, include_usage=prompt.include_usage)
        return _stream(events, plan, script, openai_wire.write_error_event)

    def _completion(self, body: bytes) -> UpstreamResponse:
        prompt = openai_wire.read_completion(body)
        plan = self._faults.plan(prompt)
        script = write_script(prompt, plan.base)
        if not prompt.stream:
            return _whole(openai_wire.write_completion(script), plan, openai_wire.write_error(IN_200))
        events = openai_wire.write_completion_events(script, include_usage=prompt.include_usage)
        return _stream(events, plan, script, openai_wire.write_error_event)

    def _messages(self, body: bytes) -> UpstreamResponse:
        prompt = anthropic_wire.read_messages(body)
        plan = self._faults.plan(prompt)
        script = write_script(prompt, plan.base)
        if not prompt.stream:
            return _whole(anthropic_wire.write_reply(script), plan, anthropic_wire.write_error(IN_200))
        return _stream(anthropic_wire.write_events(script), plan, script, anthropic_wire.write_error_event)

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
    events: Iterator[bytes], plan: Plan, script: Script, write_error_event: Callable[[Refusal], bytes]
) -> UpstreamResponse:
    """A stream, spoilt as planned."""
    pause_ms = script.pause_ms if plan.pause_ms is None else plan.pause_ms
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
