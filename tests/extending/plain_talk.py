"""A dialect that nobody speaks, as a folder's `__init__.py`: text in, text out, the model in the path.

    POST {base}/models/{model}:say       {"say": TEXT}        {"said": TEXT, "tokens": [IN, OUT]}
    POST {base}/models/{model}:stream    the same             data: {"more": TEXT} ...  data: {"end": [IN, OUT]}

It is copied into a folder of its own by the test, and must not be imported from here by anything but that folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from asbru.core.chat import ChatRequest, Choice, Message, TextPart
from asbru.core.errors import AsbruError, BadRequest, UpstreamError
from asbru.core.notes import Note
from asbru.core.reply import (
    ChatReply,
    ChoiceStop,
    PartDelta,
    PartStart,
    PartStop,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.core.usage import Usage
from asbru.dialects import Codec, Dialect, Operation, RequestHead
from asbru.dialects.contract import Errors, ModelsForm, Passing, Surface, TailFacts, Written, WrittenReply
from asbru.wire.sse import SseReader, write_event

NAME = "plain_talk"
_encode = msgspec.json.encode


def _open(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"expected JSON, got: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("say"), str):
        raise BadRequest("expected an object with `say`", param="say")
    return found


def read_head(body: bytes, parameters: Mapping[str, str], query: bytes) -> RequestHead:
    _open(body)
    return RequestHead(parameters["model"], parameters.get("verb") == "stream", True, None)


def read_request(body: bytes) -> ChatRequest:
    text = _open(body)["say"]
    message = Message(role="user", parts=(TextPart(text=text),), plain=True)
    return ChatRequest(model="", messages=(message,), dialect=NAME)


def write_request(request: ChatRequest, *_: Any) -> Written:
    texts = [part.text for message in request.messages for part in message.parts if isinstance(part, TextPart)]
    notes = tuple(Note("dropped", field) for field in ("temperature", "tools") if getattr(request, field) is not None)
    return Written(_encode({"say": "\n".join(texts)}), notes)


def _usage(tokens: Sequence[int] | None) -> Usage | None:
    return None if tokens is None else Usage(input=tokens[0], output=tokens[1], reasoning_known=False)


def read_reply(body: bytes) -> ChatReply:
    try:
        found = msgspec.json.decode(body)
        parts = (TextPart(text=found["said"]),)
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise UpstreamError(f"expected a reply, got: {error}", kind="protocol") from None
    choice = Choice(index=0, parts=parts, stop="stop")
    return ChatReply(id="", model="", choices=(choice,), usage=_usage(found.get("tokens")), dialect=NAME)


def write_reply(reply: ChatReply) -> WrittenReply:
    text = "".join(part.text for part in reply.choices[0].parts if isinstance(part, TextPart))
    usage = reply.usage
    tokens = None if usage is None else [usage.input_total, usage.output_total]
    return WrittenReply(_encode({"said": text, "tokens": tokens}))


class Reader:
    def __init__(self) -> None:
        self._sse = SseReader()
        self._begun = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for event in self._sse.feed(chunk):
            found = msgspec.json.decode(event.data)
            if not self._begun:
                self._begun = True
                events += [ReplyStart(id="", model="", dialect=NAME), PartStart(index=0, part=TextPart(text=""))]
            if "more" in found:
                events.append(PartDelta(index=0, text=found["more"]))
            elif "end" in found:
                usage = _usage(found["end"])
                assert usage is not None
                events += [PartStop(index=0), ChoiceStop(stop="stop"), UsageReport(usage=usage), ReplyEnd()]
            else:
                events.append(StreamFault(message=str(found.get("error"))))
        return events

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        return []


class Writer:
    notes = ()

    def __init__(self, request: ChatRequest) -> None:
        self._tokens = [0, 0]

    def write(self, events: Sequence[StreamEvent]) -> bytes:
        written = b""
        for event in events:
            if isinstance(event, PartDelta) and event.text:
                written += write_event(_encode({"more": event.text}))
            elif isinstance(event, UsageReport):
                self._tokens = [event.usage.input_total, event.usage.output_total]
            elif isinstance(event, ReplyEnd):
                written += write_event(_encode({"end": self._tokens}))
            elif isinstance(event, StreamFault):
                written += write_event(_encode({"error": event.message}))
        return written


def usage_of(body: bytes) -> Usage | None:
    try:
        return _usage(msgspec.json.decode(body).get("tokens"))
    except (msgspec.DecodeError, AttributeError):
        return None


def tail(data: bytes, choices: int = 1) -> TailFacts:
    start = data.rfind(b'{"end":')
    if start < 0:
        return TailFacts(usage=None, complete=False)
    tokens = msgspec.json.decode(data[start:].split(b"\n")[0])["end"]
    return TailFacts(usage=_usage(tokens), complete=True, finished=True)


def prelude(data: bytes) -> StreamFault | bool:
    return StreamFault(message="failed") if b'{"error"' in data else b'"more"' in data


def write_error(error: AsbruError, request_id: str) -> bytes:
    return _encode({"error": error.message, "code": error.code})


OPERATIONS = (
    Operation(
        name="chat",
        surface="say",
        routes=("/models/{model}:{verb}",),
        path="/models/{model}:say",
        stream_path="/models/{model}:stream",
        read_head=read_head,
        streams=True,
        codec=Codec(
            read_request=read_request,
            write_request=write_request,
            read_reply=read_reply,
            write_reply=write_reply,
            stream_reader=Reader,
            stream_writer=Writer,
        ),
    ),
)

DIALECT = Dialect(
    name=NAME,
    setting="talk",
    surface=Surface(name="talk", home="talker", root="/talk", bases=("/talk/v1",), models_bases=("/talk/v1",)),
    operations=OPERATIONS,
    passing=Passing(
        rewrite=lambda head, model, ask_usage, strip: None,
        usage_of=usage_of,
        tail=tail,
        prelude=prelude,
        withhold=lambda events: events,
    ),
    errors=Errors(
        read=lambda status, body: UpstreamError("failed", status=status, body=body, dialect=NAME),
        inside=lambda body: None,
        write=write_error,
        write_stream=lambda error: write_event(write_error(error, "")),
    ),
    models=ModelsForm(write_all=lambda names: _encode({"names": list(names)}), write_one=_encode),
    header_prefixes=(b"talk-",),
)
