"""The OpenAI dialect as the mock speaks it: requests in, answers, events and errors out. Pure.

Written apart from `asbru.dialects` on purpose: a mistake there must not be mirrored here. Reasoning is shown the way
compatible servers show it, as `reasoning_content`.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections.abc import Iterator
from typing import Any

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
    compact_text,
    count_words,
    decode,
)
from asbru.providers.mock.script import Call, Script, Thought, Words, argument_pieces, fingerprint, pieces

CREATED_S = 1_767_225_600
DIMENSIONS = 16
DIMENSIONS_MAX = 4096
DONE = b"data: [DONE]\n\n"
STREAM_TYPE = "text/event-stream; charset=utf-8"

_ERROR_TYPES = {429: "rate_limit_error", 401: "invalid_request_error", 403: "permission_error"}
_ERROR_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


class _ChatBody(msgspec.Struct):
    model: str
    messages: list[Object]
    tools: list[Object] | None = None
    tool_choice: str | Object | None = None
    response_format: Object | None = None
    stream: bool | None = None
    stream_options: Object | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None


class _CompletionBody(msgspec.Struct):
    model: str
    prompt: Any = ""
    stream: bool | None = None
    stream_options: Object | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None


class _EmbeddingsBody(msgspec.Struct):
    model: str
    input: Any
    dimensions: int | None = None
    encoding_format: str | None = None


def read_chat(body: bytes) -> Prompt:
    """A chat request; raises `Refusal` 400 on anything else."""
    asked = decode(body, _ChatBody)
    if not asked.messages:
        raise Refusal(400, "`messages` is empty: at least one message is needed")
    tools = tuple(_tool(as_object(tool.get("function"))) for tool in asked.tools or () if "function" in tool)
    choice = asked.tool_choice
    reading = _Reading()
    for message in asked.messages:
        reading.take(message)
    return Prompt(
        model=asked.model,
        last_user=reading.last_user,
        tool_results=tuple(reading.results),
        tools=tools,
        forced_tool=as_text(as_object(as_object(choice).get("function")).get("name")) or None,
        may_call=choice != "none",
        schema=_schema(asked.response_format),
        images=tuple(reading.images),
        max_tokens=asked.max_completion_tokens or asked.max_tokens,
        stop=as_strings(asked.stop),
        stream=bool(asked.stream),
        include_usage=bool((asked.stream_options or {}).get("include_usage")),
        input_tokens=max(1, reading.tokens + TOKENS_PER_TOOL * len(tools)),
    )


def read_completion(body: bytes) -> Prompt:
    """A legacy completion request."""
    asked = decode(body, _CompletionBody)
    text = "".join(as_strings(asked.prompt))
    return Prompt(
        model=asked.model,
        last_user=text,
        max_tokens=asked.max_tokens,
        stop=as_strings(asked.stop),
        stream=bool(asked.stream),
        include_usage=bool((asked.stream_options or {}).get("include_usage")),
        input_tokens=max(1, count_words(text)),
    )


def write_reply(script: Script) -> bytes:
    """A whole chat answer."""
    texts = [part.text for part in script.parts if isinstance(part, Words)]
    message: Object = {"role": "assistant", "content": "".join(texts) if texts else None, "refusal": None}
    if thoughts := [part.text for part in script.parts if isinstance(part, Thought)]:
        message["reasoning_content"] = "".join(thoughts)
    if calls := [part for part in script.parts if isinstance(part, Call)]:
        message["tool_calls"] = [_call(script, number, call) for number, call in enumerate(calls)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _stop(script)}
    head = _head(script, "chatcmpl", "chat.completion")
    return msgspec.json.encode({**head, "choices": [choice], "usage": _usage(script)})


def write_events(script: Script, *, include_usage: bool) -> Iterator[bytes]:
    """The events of a chat stream, the last of them `[DONE]`."""
    head = _head(script, "chatcmpl", "chat.completion.chunk")

    def chunk(delta: Object, stop: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": stop}
        return _event({**head, "choices": [choice], **({"usage": None} if include_usage else {})})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    number = 0
    for part in script.parts:
        if isinstance(part, Call):
            call = _call(script, number, part)
            arguments = as_text(as_object(call["function"])["arguments"])
            yield chunk({"tool_calls": [{"index": number, **call, "function": {"name": part.name, "arguments": ""}}]})
            for piece in argument_pieces(arguments):
                yield chunk({"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
            number += 1
        else:
            field = "reasoning_content" if isinstance(part, Thought) else "content"
            for piece in pieces(part.text):
                yield chunk({field: piece})
    yield chunk({}, _stop(script))
    if include_usage:
        yield _event({**head, "choices": [], "usage": _usage(script)})
    yield DONE


def write_completion(script: Script) -> bytes:
    """A whole answer to a legacy completion request."""
    text = "".join(part.text for part in script.parts if isinstance(part, Words))
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": _stop(script)}
    head = _head(script, "cmpl", "text_completion")
    return msgspec.json.encode({**head, "choices": [choice], "usage": _usage(script)})


def write_completion_events(script: Script, *, include_usage: bool) -> Iterator[bytes]:
    """The events of a legacy completion stream."""
    head = _head(script, "cmpl", "text_completion")
    for part in script.parts:
        for piece in pieces(part.text) if isinstance(part, Words) else ():
            choice = {"index": 0, "text": piece, "logprobs": None, "finish_reason": None}
            yield _event({**head, "choices": [choice]})
    choice = {"index": 0, "text": "", "logprobs": None, "finish_reason": _stop(script)}
    yield _event({**head, "choices": [choice]})
    if include_usage:
        yield _event({**head, "choices": [], "usage": _usage(script)})
    yield DONE


def embed(body: bytes) -> bytes:
    """The answer to an embeddings request: unit vectors that follow from the text alone."""
    asked = decode(body, _EmbeddingsBody)
    if asked.model != "embed":
        raise Refusal(404, f"The model `{asked.model}` does not embed: use embed", code="model_not_found")
    size = DIMENSIONS if asked.dimensions is None else asked.dimensions
    if not 1 <= size <= DIMENSIONS_MAX:
        raise Refusal(400, f"`dimensions` is {size}: 1 to {DIMENSIONS_MAX} are possible")
    texts = _inputs(asked.input)
    if not texts:
        raise Refusal(400, "`input` is empty: a string, a list of strings or tokens is needed")
    data: list[Object] = []
    for index, text in enumerate(texts):
        vector: object = vector_of(text, size)
        if asked.encoding_format == "base64":
            vector = base64.b64encode(struct.pack(f"<{size}f", *vector_of(text, size))).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    tokens = max(1, sum(count_words(text) for text in texts))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode({"object": "list", "data": data, "model": asked.model, "usage": usage})


def vector_of(text: str, size: int) -> list[float]:
    """A unit vector of `size` floats made from SHA-256 of the text."""
    raw = b"".join(
        hashlib.sha256(f"{number}:{text}".encode("utf-8", "surrogatepass")).digest()
        for number in range(size // 32 + 1)
    )
    values = [(byte - 127.5) / 127.5 for byte in raw[:size]]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]


def list_models() -> bytes:
    """The list of models."""
    return msgspec.json.encode({"object": "list", "data": [_model(name) for name in MODELS]})


def show_model(name: str) -> bytes:
    """One model; raises `Refusal` 404 where there is none."""
    if name not in MODELS:
        raise Refusal(404, f"The model `{name}` does not exist", code="model_not_found")
    return msgspec.json.encode(_model(name))


def write_error(refusal: Refusal) -> bytes:
    """An error's body; inside a stream it follows `data: `."""
    otherwise = "invalid_request_error" if refusal.status < 500 else "server_error"
    error = {
        "message": refusal.message,
        "type": _ERROR_TYPES.get(refusal.status, otherwise),
        "param": None,
        "code": refusal.code or _ERROR_CODES.get(refusal.status),
    }
    return msgspec.json.encode({"error": error})


def write_error_event(refusal: Refusal) -> bytes:
    """An error inside a stream."""
    return b"data: " + write_error(refusal) + b"\n\n"


class _Reading:
    """What the messages add up to, taken one by one."""

    def __init__(self) -> None:
        self.last_user = ""
        self.results: list[str] = []
        self.images: list[str] = []
        self.tokens = 0

    def take(self, message: Object) -> None:
        """Add one message."""
        role = as_text(message.get("role"))
        text = self._text(message.get("content"))
        self.tokens += count_words(text)
        match role:
            case "user":
                self.last_user = text or self.last_user
            case "assistant":
                self.results = []
                for call in as_list(message.get("tool_calls")):
                    arguments = as_text(as_object(as_object(call).get("function")).get("arguments"))
                    self.tokens += 1 + count_words(compact_text(arguments))
            case "tool":
                self.results.append(text)
            case "system" | "developer" | "function":
                pass
            case _:
                raise Refusal(400, f"`role` is {role!r}: system, developer, user, assistant or tool is needed")

    def _text(self, content: object) -> str:
        texts = list(as_strings(content)) if isinstance(content, str) else []
        for part in map(as_object, as_list(content)):
            if part.get("type") == "text":
                texts.append(as_text(part.get("text")))
            elif part.get("type") == "image_url":
                self.images.append(_image(as_text(as_object(part.get("image_url")).get("url"))))
                self.tokens += TOKENS_PER_IMAGE
        return "\n".join(texts)


def _image(url: str) -> str:
    """How an image is named: its address, or the media type of inline data."""
    return url[5:].partition(";")[0] if url.startswith("data:") else url


def _tool(function: Object) -> ToolOffer:
    return ToolOffer(as_text(function.get("name")), as_object(function.get("parameters")))


def _schema(wanted: Object | None) -> Object | None:
    match (wanted or {}).get("type"):
        case "json_schema":
            return as_object(as_object((wanted or {}).get("json_schema")).get("schema"))
        case "json_object":
            return {}
        case _:
            return None


def _inputs(given: object) -> list[str]:
    """One text per vector; tokens count as their numbers."""
    if isinstance(given, str):
        return [given]
    items = as_list(given)
    if items and all(isinstance(item, int) for item in items):
        return [" ".join(map(str, items))]
    return [item if isinstance(item, str) else " ".join(map(str, as_list(item))) for item in items]


def _call(script: Script, number: int, call: Call) -> Object:
    function = {"name": call.name, "arguments": compact(call.arguments)}
    return {"id": f"call_{fingerprint(f'{script.id}:{number}'.encode())}", "type": "function", "function": function}


def _stop(script: Script) -> str:
    return "stop" if script.stop == "stop_sequence" else script.stop


def _usage(script: Script) -> Object:
    return {
        "prompt_tokens": script.input_tokens,
        "completion_tokens": script.output_tokens,
        "total_tokens": script.input_tokens + script.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": script.reasoning_tokens, "audio_tokens": 0},
    }


def _head(script: Script, prefix: str, kind: str) -> Object:
    return {
        "id": f"{prefix}-{script.id}",
        "object": kind,
        "created": CREATED_S,
        "model": script.model,
        "system_fingerprint": "fp_mock",
    }


def _model(name: str) -> Object:
    return {"id": name, "object": "model", "created": CREATED_S, "owned_by": "asbru-mock"}


def _event(data: Object) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"
