"""A dialect that nobody speaks, as small as one can be: what the suite over dialects is tested with.

It says texts and thoughts (with the seal of who thought them), one answer at a time, and drops all else by name.

    request   {"model", "turns": [{"by", "said": [{"text"} | {"thought", "seal", "by"}]}], "limit", "stream"}
    reply     {"id", "model", "said": [...], "why", "tokens": {"in", "out"}}
    stream    {"open": {"id", "model"}}  {"say": {"text"} | {"thought"} | {"seal"}} ...  {"why", "tokens"}
    error     {"fault": {"type", "message"}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from asbru.core.chat import ChatRequest, Choice, Message, Part, Raw, TextPart, ThinkingPart
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.notes import Note
from asbru.core.reply import (
    ChatReply,
    ChoiceStop,
    ForeignEvent,
    PartDelta,
    PartStart,
    PartStop,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.core.traits import Traits
from asbru.core.usage import Usage
from asbru.dialects import Codec, Dialect, Operation, RequestHead, TailFacts
from asbru.dialects.contract import Errors, ModelsForm, Passing, Surface, Written, WrittenReply
from asbru.dialects.fields import DECODE_ERRORS, Fields, open_body, refuse_reply, refuse_request
from asbru.dialects.receipt import Receipt
from asbru.wire.sse import SseReader, read_block, write_event

NAME = "made_up"
REFUSE_REPLY = refuse_reply(NAME)
BUCKETS = ("cache_read", "cache_write_1h", "audio_input", "audio_output", "reasoning")
encode = msgspec.json.encode


# --- requests -------------------------------------------------------------------------------------------


def read_head(body: bytes, parameters: Mapping[str, str], query: bytes) -> RequestHead:
    fields = open_body(body, refuse_request)
    members = dict(fields.rest())
    limit, stream = fields.integer("limit"), fields.boolean("stream") or False
    return RequestHead(_model(fields), stream, True, limit, 1, members)


def _model(fields: Fields) -> str:
    model = fields.need_text("model")
    if not model:
        raise fields.wrong("model", "expected the name of a model, got an empty string")
    return model


def rewrite(head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]) -> dict[str, Raw] | None:
    if model == head.model and not strip & head.members.keys():
        return None
    return {name: raw for name, raw in head.members.items() if name not in strip} | {"model": Raw(encode(model))}


def read_request(body: bytes) -> ChatRequest:
    fields = open_body(body, refuse_request)
    turns = fields.children("turns")
    if not turns:
        raise fields.wrong("turns", "expected an array of at least one turn")
    return ChatRequest(
        model=_model(fields),
        messages=tuple([_read_turn(turn) for turn in turns]),
        max_tokens=fields.integer("limit"),
        stream=fields.boolean("stream") or False,
        include_usage=True,
        dialect=NAME,
        extra=fields.rest(),
    )


def _read_turn(turn: Fields) -> Message:
    by = turn.need_text("by")
    if by not in ("system", "user", "assistant"):
        raise turn.wrong("by", f"expected system, user or assistant, got {by[:40]}")
    return msgspec.structs.replace(Message(role="user", parts=_read_said(turn), extra=turn.rest()), role=by)


def _read_said(fields: Fields) -> tuple[Part, ...]:
    return tuple([_read_part(said) for said in fields.children("said") or ()])


def _read_part(said: Fields) -> Part:
    text = said.text("text")
    if text is not None:
        return TextPart(text=text, extra=said.rest())
    thought, seal, by = said.need_text("thought"), said.text("seal"), said.text("by")
    return ThinkingPart(text=thought, signature=seal, dialect=by or NAME, extra=said.rest())


def write_request(request: ChatRequest, model: str, traits: Traits) -> Written:
    receipt = Receipt(NAME, request.dialect)
    body: dict[str, Any] = {"model": model, "turns": []}
    for n, message in enumerate(request.messages):
        path = f"messages[{n}]"
        role = "system" if message.role == "developer" else message.role
        said = _write_said(message.parts, path, receipt)
        if message.name is not None:
            receipt.dropped(f"{path}.name")
        body["turns"].append({"by": role, "said": said, **receipt.riding(path, message.extra)})
    if request.max_tokens is not None:
        body["limit"] = request.max_tokens
    if request.stream:
        body["stream"] = True
    carried = ("model", "messages", "max_tokens", "stream", "include_usage", "dialect", "extra")
    for name in request.__struct_fields__:
        if name not in carried and getattr(request, name) is not None:
            receipt.dropped(name)
    body |= receipt.riding("", request.extra)
    for name in traits.strip & body.keys():
        del body[name]
        receipt.dropped(name)
    return Written(encode(body), receipt.notes)


def _write_said(parts: Sequence[Part], path: str, receipt: Receipt) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    for n, part in enumerate(parts):
        where = f"{path}.parts[{n}]"
        written = _write_part(part, where, receipt)
        if written is not None:
            said.append(written)
    return said


def _write_part(part: Part, path: str, receipt: Receipt) -> dict[str, Any] | None:
    if isinstance(part, TextPart):
        for name in ("cache", "citations"):
            if getattr(part, name) is not None:
                receipt.dropped(f"{path}.{name}")
        return {"text": part.text, **receipt.riding(path, part.extra)}
    if isinstance(part, ThinkingPart):
        by = {} if part.dialect in (None, NAME) else {"by": part.dialect}
        seal = {} if part.signature is None else {"seal": part.signature}
        return {"thought": part.text, **seal, **by, **receipt.riding_thought(path, part.extra)}
    receipt.dropped(path)
    return None


# --- replies --------------------------------------------------------------------------------------------


def read_reply(body: bytes) -> ChatReply:
    fields = open_body(body, REFUSE_REPLY)
    if "fault" in fields:
        raise read_error(502, body)
    why = fields.text("why")
    usage = _read_tokens(fields)
    choice = Choice(index=0, parts=_read_said(fields), stop="stop" if why == "end" else "other", raw_stop=why)
    model = fields.text("model") or ""
    return ChatReply(
        id=fields.text("id") or "", model=model, choices=(choice,), usage=usage, dialect=NAME, extra=fields.rest()
    )


def _read_tokens(fields: Fields) -> Usage | None:
    tokens = fields.child("tokens")
    if tokens is None:
        return None
    return Usage(input=tokens.integer("in") or 0, output=tokens.integer("out") or 0, reasoning_known=False)


def write_reply(reply: ChatReply) -> WrittenReply:
    receipt = Receipt(NAME, reply.dialect)
    choice = reply.choices[0] if reply.choices else Choice(index=0, parts=(), stop=None)
    _note_rest(reply, receipt)
    body = {
        "id": reply.id,
        "model": reply.model,
        "said": _write_said(choice.parts, "choices[0]", receipt),
        "why": _write_why(choice.stop, choice.raw_stop, receipt),
        "tokens": _write_tokens(reply.usage, receipt),
    }
    return WrittenReply(encode({**body, **receipt.riding("", reply.extra)}), receipt.notes)


def _note_rest(reply: ChatReply, receipt: Receipt) -> None:
    for n in range(1, len(reply.choices)):
        receipt.dropped(f"choices[{n}]")
    if reply.service_tier is not None:
        receipt.dropped("service_tier")
    for choice in reply.choices[:1]:
        receipt.foreign("choices[0]", choice.extra)
        for name in ("logprobs", "stop_sequence"):
            if getattr(choice, name) is not None:
                receipt.dropped(f"choices[0].{name}")


def _write_why(stop: str | None, raw_stop: str | None, receipt: Receipt) -> str | None:
    if stop not in (None, "stop") and not receipt.native:
        receipt.changed("choices[0].stop", "one word for all")
    return raw_stop if receipt.native else "end"


def _write_tokens(usage: Usage | None, receipt: Receipt) -> dict[str, int] | None:
    if usage is None:
        return None
    for name in BUCKETS:
        if getattr(usage, name):
            receipt.changed(f"usage.{name}", "one count for all")
    if usage.cache_write_5m or usage.cache_write_1h:
        receipt.changed("usage.cache_write", "one count for all")
    return {"in": usage.input_total, "out": usage.output_total}


# --- streams --------------------------------------------------------------------------------------------


class Reader:
    """Parts begin where their kind changes."""

    def __init__(self) -> None:
        self._sse = SseReader()
        self._open: str | None = None
        self._index = -1
        self.done = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        try:
            for event in self._sse.feed(chunk):
                if not self.done:
                    self._take(open_body(event.data, REFUSE_REPLY), event.data, out)
        except AsbruError as error:
            self.done = True
            out.append(StreamFault(message=error.message, type="protocol_error"))
        return out

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        rest = self._sse.close()
        if self.done or not rest.endswith(b"}"):
            return []
        return [event for event in self.feed(b"\n\n") if getattr(event, "type", "") != "protocol_error"]

    def _take(self, fields: Fields, data: bytes, out: list[StreamEvent]) -> None:
        opened = fields.child("open")
        if opened is not None:
            name, model = opened.text("id") or "", opened.text("model") or ""
            out.append(ReplyStart(id=name, model=model, dialect=NAME, extra=opened.rest()))
        say = fields.child("say")
        if say is not None:
            self._say(say, out)
        if "fault" in fields:
            self.done = True
            out.append(_fault(data))
        elif "why" in fields:
            self._stop(out)
            self.done = True
            why = fields.text("why")
            out.append(ChoiceStop(stop="stop" if why == "end" else "other", raw_stop=why))
            usage = _read_tokens(fields)
            out += [UsageReport(usage=usage), ReplyEnd()] if usage else [ReplyEnd()]

    def _say(self, say: Fields, out: list[StreamEvent]) -> None:
        seal = say.text("seal")
        if seal is not None and self._open == "thought":
            out.append(PartDelta(index=self._index, signature=seal))
        by = say.text("by")
        for kind, part in (("text", TextPart(text="")), ("thought", ThinkingPart(text="", dialect=by or NAME))):
            text = say.text(kind)
            if text is None:
                continue
            if self._open != kind:
                self._stop(out)
                self._open = kind
                self._index += 1
                out.append(PartStart(index=self._index, part=part))
            out.append(PartDelta(index=self._index, text=text))

    def _stop(self, out: list[StreamEvent]) -> None:
        if self._open is not None:
            out.append(PartStop(index=self._index))
        self._open = None


class Writer:
    """One part after the other; what overlaps comes as it comes."""

    def __init__(self, request: ChatRequest) -> None:
        self._receipt = Receipt(NAME)
        self._parts: dict[int, Part] = {}
        self._thoughts: set[int] = set()
        """Those that have begun; a seal alone begins none."""
        self._usage: Usage | None = None
        self._stop: ChoiceStop | None = None

    @property
    def notes(self) -> tuple[Note, ...]:
        return self._receipt.notes

    def write(self, events: Sequence[StreamEvent]) -> bytes:
        return b"".join([self._write(event) for event in events])

    def _write(self, event: StreamEvent) -> bytes:
        choice = getattr(event, "choice", 0)
        if choice:
            self._receipt.dropped(f"choices[{choice}]")
            return b""
        match event:
            case PartStart():
                self._parts[event.index] = event.part
                return self._begin(event.index, event.part)
            case PartDelta():
                return self._delta(event)
            case StreamFault():
                return write_event(encode({"fault": {"type": event.type, "message": event.message}}))
            case ReplyStart():
                return self._open(event)
            case ReplyEnd():
                return self._end()
            case ForeignEvent():
                self._receipt.dropped("event")
            case _:
                self._keep(event)
        return b""

    def _open(self, event: ReplyStart) -> bytes:
        self._receipt.reads(event.dialect)
        self._usage = event.usage
        if event.service_tier is not None:
            self._receipt.dropped("service_tier")
        opened = {"id": event.id, "model": event.model, **self._receipt.riding("", event.extra)}
        return write_event(encode({"open": opened}))

    def _keep(self, event: StreamEvent) -> None:
        """What is told at the end."""
        if isinstance(event, UsageReport):
            self._usage = event.usage
        elif isinstance(event, ChoiceStop):
            self._stop = event
            self._receipt.foreign("choices[0]", event.extra)
            if event.stop_sequence is not None:
                self._receipt.dropped("choices[0].stop_sequence")

    def _end(self) -> bytes:
        stop = self._stop or ChoiceStop(stop="stop")
        why = _write_why(stop.stop, stop.raw_stop, self._receipt)
        return write_event(encode({"why": why, "tokens": _write_tokens(self._usage, self._receipt)}))

    def _begin(self, index: int, part: Part) -> bytes:
        if not isinstance(part, TextPart | ThinkingPart):
            self._receipt.dropped(f"choices[0].parts[{index}]")
            return b""
        if isinstance(part, ThinkingPart) and part.signature is not None:
            return self._delta(PartDelta(index=index, text="")) + self._delta(
                PartDelta(index=index, signature=part.signature)
            )
        return self._delta(PartDelta(index=index, text=part.text)) if part.text else b""

    def _delta(self, event: PartDelta) -> bytes:
        part = self._parts.get(event.index)
        if event.citation is not None or event.logprobs is not None:
            self._receipt.dropped("citations" if event.logprobs is None else "logprobs")
        if event.text is not None and isinstance(part, TextPart):
            return write_event(encode({"say": {"text": event.text}}))
        if isinstance(part, ThinkingPart) and (event.text is not None or event.signature is not None):
            by = {} if part.dialect in (None, NAME) else {"by": part.dialect}
            is_new = event.index not in self._thoughts
            self._thoughts.add(event.index)
            begun = write_event(encode({"say": {"thought": "", **by}})) if is_new and event.text is None else b""
            said = {"thought": event.text, **by} if event.text is not None else {"seal": event.signature}
            return begun + write_event(encode({"say": said}))
        return b""


# --- passing, errors ------------------------------------------------------------------------------------


def usage_of(body: bytes) -> Usage | None:
    try:
        return _read_tokens(open_body(body, REFUSE_REPLY))
    except AsbruError:
        return None


def _events(data: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for block in data.replace(b"\r\n", b"\n").split(b"\n\n"):
        event = read_block(block)
        try:
            members = None if event is None else msgspec.json.decode(event.data)
        except DECODE_ERRORS:
            continue
        found += [members] if isinstance(members, dict) else []
    return found


def tail(data: bytes, choices: int = 1) -> TailFacts:
    usage, complete, fault = None, False, None
    for event in _events(data):
        if "fault" in event:
            return TailFacts(usage=usage, complete=False, fault=_fault(encode(event)))
        complete = complete or "why" in event
        usage = usage_of(encode(event)) or usage
    return TailFacts(usage=usage, complete=complete, finished=complete, fault=fault)


def prelude(data: bytes) -> StreamFault | bool:
    for event in _events(data):
        if "fault" in event:
            return _fault(encode(event))
        if "say" in event or "why" in event:
            return True
    return False


def withhold(events: bytes) -> bytes:
    return events


class FaultWire(msgspec.Struct):
    message: str
    type: str = "api_error"


class FaultHolder(msgspec.Struct):
    fault: FaultWire


decode_fault = msgspec.json.Decoder(FaultHolder).decode


def _fault(body: bytes) -> StreamFault:
    try:
        wire = decode_fault(body).fault
    except DECODE_ERRORS:
        return StreamFault(message="an error without words")
    return StreamFault(message=wire.message, type=wire.type)


def read_error(status: int, body: bytes) -> UpstreamError:
    fault = _fault(body)
    return UpstreamError(fault.message, status=status, type=fault.type, body=body, dialect=NAME)


def error_inside(body: bytes) -> UpstreamError | None:
    if body.find(b'"fault"', 0, 512) < 0:
        return None
    error = read_error(502, body)
    error.kind = "fault"
    return error


def write_error(error: AsbruError, request_id: str) -> bytes:
    if isinstance(error, UpstreamError) and error.dialect == NAME and error.body and error.kind == "status":
        return error.body
    return encode(_words(error))


def _words(error: AsbruError) -> dict[str, Any]:
    return {"fault": {"type": error.type, "message": error.message.encode("utf-8", "replace").decode()}}


def write_stream_error(error: AsbruError) -> bytes:
    return write_event(encode(_words(error)))


def list_models(names: Sequence[str] | str) -> bytes:
    return encode({"models": names})


CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=Reader,
    stream_writer=Writer,
)
DIALECT = Dialect(
    name=NAME,
    setting=NAME,
    surface=Surface(name=NAME, home=NAME, root="/made-up", bases=("/made-up",), models_bases=()),
    operations=(Operation(name="chat", surface="chat", path="/say", read_head=read_head, streams=True, codec=CODEC),),
    passing=Passing(rewrite=rewrite, usage_of=usage_of, tail=tail, prelude=prelude, withhold=withhold),
    errors=Errors(read=read_error, inside=error_inside, write=write_error, write_stream=write_stream_error),
    models=ModelsForm(write_all=list_models, write_one=list_models),
)
