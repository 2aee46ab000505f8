"""The Anthropic dialect as the mock speaks it: requests in, answers, events and errors out. Pure.

Written apart from `asbru.dialects` on purpose: a mistake there must not be mirrored here. Thinking is signed, and a
thought that comes back with another signature is refused, as the real service does.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from asbru.providers.mock.faults import MODELS
from asbru.providers.mock.prompt import (
    TOKENS_PER_IMAGE,
    TOKENS_PER_TOOL,
    Object,
    Prompt,
    Refusal,
    ToolOffer,
    as_list,
    as_object,
    as_strings,
    as_text,
    compact,
    count_words,
    decode,
)
from asbru.providers.mock.script import (
    Call,
    Part,
    Script,
    Thought,
    Words,
    argument_pieces,
    fingerprint,
    pieces,
    signature_of,
)

CREATED_AT = "2026-01-01T00:00:00Z"
STREAM_TYPE = "text/event-stream; charset=utf-8"

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STOPS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "stop_sequence": "stop_sequence"}


class _MessagesBody(msgspec.Struct):
    model: str
    messages: list[Object]
    max_tokens: int | None = None
    system: str | list[Object] | None = None
    tools: list[Object] | None = None
    tool_choice: Object | None = None
    output_config: Object | None = None
    output_format: Object | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None


def read_messages(body: bytes, *, counting: bool = False) -> Prompt:
    """A messages request (or, `counting`, one for count_tokens); raises `Refusal` 400 on anything else."""
    asked = decode(body, _MessagesBody)
    if not asked.messages:
        raise Refusal(400, "messages: at least one message is required")
    if not counting and (asked.max_tokens is None or asked.max_tokens < 1):
        raise Refusal(400, "max_tokens: a whole number of at least 1 is required")
    tools = tuple(
        ToolOffer(as_text(tool.get("name")), as_object(tool["input_schema"]))
        for tool in asked.tools or ()
        if "input_schema" in tool
    )
    reading = _Reading()
    reading.system(asked.system)
    for message in asked.messages:
        reading.take(message)
    choice = asked.tool_choice or {}
    return Prompt(
        model=asked.model,
        last_user=reading.last_user,
        tool_results=tuple(reading.results),
        tools=tools,
        forced_tool=as_text(choice.get("name")) or None,
        may_call=choice.get("type") != "none",
        schema=_schema(asked),
        images=tuple(reading.images),
        max_tokens=asked.max_tokens,
        stop=tuple(asked.stop_sequences or ()),
        stream=bool(asked.stream),
        include_usage=True,
        input_tokens=max(1, reading.tokens + TOKENS_PER_TOOL * len(tools)),
    )


def write_reply(script: Script) -> bytes:
    """A whole answer."""
    content = [_block(script, number, part) for number, part in enumerate(script.parts)]
    usage = _usage(script, script.output_tokens)
    return msgspec.json.encode({**_head(script), "content": content, **_end(script), "usage": usage})


def write_events(script: Script) -> Iterator[bytes]:
    """The events of a stream, the last of them `message_stop`."""
    message: Object = {
        **_head(script),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(script, 1),
    }
    yield _event("message_start", {"message": message})
    yield _event("ping", {})
    for number, part in enumerate(script.parts):
        yield _event("content_block_start", {"index": number, "content_block": _empty_block(script, number, part)})
        for delta in _deltas(part):
            yield _event("content_block_delta", {"index": number, "delta": delta})
        yield _event("content_block_stop", {"index": number})
    yield _event("message_delta", {"delta": _end(script), "usage": {"output_tokens": script.output_tokens}})
    yield _event("message_stop", {})


def write_count(prompt: Prompt) -> bytes:
    """The answer of count_tokens."""
    return msgspec.json.encode({"input_tokens": prompt.input_tokens})


def list_models() -> bytes:
    """The list of models."""
    data = [_model(name) for name in MODELS]
    ends = {"first_id": MODELS[0], "last_id": MODELS[-1], "has_more": False}
    return msgspec.json.encode({"data": data, **ends})


def show_model(name: str) -> bytes:
    """One model; raises `Refusal` 404 where there is none."""
    if name not in MODELS:
        raise Refusal(404, f"model: {name}")
    return msgspec.json.encode(_model(name))


def write_error(refusal: Refusal) -> bytes:
    """An error's body; inside a stream it is the data of `event: error`."""
    otherwise = "invalid_request_error" if refusal.status < 500 else "api_error"
    error = {"type": _ERROR_TYPES.get(refusal.status, otherwise), "message": refusal.message}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": "req_mock"})


def write_error_event(refusal: Refusal) -> bytes:
    """An error inside a stream."""
    return b"event: error\ndata: " + write_error(refusal) + b"\n\n"


class _Reading:
    """What the messages add up to, taken one by one."""

    def __init__(self) -> None:
        self.last_user = ""
        self.results: list[str] = []
        self.images: list[str] = []
        self.tokens = 0

    def system(self, given: str | list[Object] | None) -> None:
        """Add the system text."""
        texts = [given] if isinstance(given, str) else [as_text(block.get("text")) for block in given or ()]
        self.tokens += sum(count_words(text) for text in texts)

    def take(self, message: Object) -> None:
        """Add one message."""
        role = as_text(message.get("role"))
        if role not in ("user", "assistant", "system"):
            raise Refusal(400, f"messages: role is {role!r}: user or assistant is needed")
        results: list[str] = []
        texts = list(as_strings(message.get("content"))) if isinstance(message.get("content"), str) else []
        for block in as_list(message.get("content")):
            self._block(as_object(block), texts, results)
        text = "\n".join(texts)
        self.tokens += count_words(text) + sum(count_words(result) for result in results)
        if role == "user":
            self.last_user = text or self.last_user
        if role != "system":
            self.results = results

    def _block(self, block: Object, texts: list[str], results: list[str]) -> None:
        match block.get("type"):
            case "text":
                texts.append(as_text(block.get("text")))
            case "image":
                source = as_object(block.get("source"))
                self.images.append(as_text(source.get("url")) or as_text(source.get("media_type")))
                self.tokens += TOKENS_PER_IMAGE
            case "tool_use":
                self.tokens += 1 + count_words(compact(block.get("input", {})))
            case "tool_result":
                results.append(_result_text(block.get("content")))
            case "thinking":
                _check_signature(block)
            case _:
                pass


def _result_text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(as_text(as_object(block).get("text")) for block in as_list(content))


def _check_signature(block: Object) -> None:
    thought = as_text(block.get("thinking"))
    if thought and block.get("signature") != signature_of(thought):
        raise Refusal(400, "messages: Invalid `signature` in `thinking` block")


def _schema(asked: _MessagesBody) -> Object | None:
    """The schema of structured output, by its present name or its beta's."""
    wanted = as_object((asked.output_config or {}).get("format")) or asked.output_format or {}
    return as_object(wanted.get("schema")) if wanted.get("type") == "json_schema" else None


def _block(script: Script, number: int, part: Part) -> Object:
    match part:
        case Words():
            return {"type": "text", "text": part.text}
        case Thought():
            return {"type": "thinking", "thinking": part.text, "signature": signature_of(part.text)}
        case Call():
            return {"type": "tool_use", "id": _call_id(script, number), "name": part.name, "input": part.arguments}


def _empty_block(script: Script, number: int, part: Part) -> Object:
    match part:
        case Words():
            return {"type": "text", "text": ""}
        case Thought():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case Call():
            return {"type": "tool_use", "id": _call_id(script, number), "name": part.name, "input": {}}


def _deltas(part: Part) -> Iterator[Object]:
    match part:
        case Words():
            for piece in pieces(part.text):
                yield {"type": "text_delta", "text": piece}
        case Thought():
            for piece in pieces(part.text):
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": signature_of(part.text)}
        case Call():
            yield {"type": "input_json_delta", "partial_json": ""}
            for piece in argument_pieces(compact(part.arguments)):
                yield {"type": "input_json_delta", "partial_json": piece}


def _call_id(script: Script, number: int) -> str:
    return f"toolu_{fingerprint(f'{script.id}:{number}'.encode())}"


def _head(script: Script) -> Object:
    return {"id": f"msg_{script.id}", "type": "message", "role": "assistant", "model": script.model}


def _end(script: Script) -> Object:
    return {"stop_reason": _STOPS[script.stop], "stop_sequence": script.stop_sequence}


def _usage(script: Script, output_tokens: int) -> Object:
    return {
        "input_tokens": script.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }


def _model(name: str) -> Object:
    return {"type": "model", "id": name, "display_name": name.capitalize(), "created_at": CREATED_AT}


def _event(name: str, data: Object) -> bytes:
    return f"event: {name}\ndata: ".encode() + msgspec.json.encode({"type": name, **data}) + b"\n\n"
