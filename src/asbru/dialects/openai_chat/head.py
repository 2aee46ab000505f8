"""The head of a request: what a pass-through call reads of a body, and the rewrite of its few members.

Bodies are decoded once, only as deep as needed, and never searched as text; members that stay are copied as raw
JSON, so that whatever a caller sent arrives as sent. Not here: messages, tools and the rest (`request.py`).
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.dialects.contract import PathParameters, RequestHead
from asbru.dialects.fields import NULL, check_spelling, check_utf8, open_body, refuse_request
from asbru.dialects.openai_chat.types import CHOICES_MAX, StreamOptions
from asbru.dialects.surrogates import mend_surrogates

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_text = msgspec.json.Decoder(str).decode
_flag = msgspec.json.Decoder(bool | None).decode
_count = msgspec.json.Decoder(int | None).decode
_items = msgspec.json.Decoder(list[Raw]).decode
_options = msgspec.json.Decoder(StreamOptions | None).decode
MODERATION_MODEL = "omni-moderation-latest"
"""What a moderation is made by that names no model: https://platform.openai.com/docs/api-reference/moderations"""
_INCLUDE_USAGE = Raw(b'{"include_usage":true}')
_TRUE = Raw(b"true")
MODELS_WRITTEN_MAX = 256
"""Names of models that are kept as JSON."""
_JUDGED = frozenset(
    ("model", "stream", "max_tokens", "stream_options", "max_completion_tokens", "n", "best_of", "prompt")
)
"""What Asbru reads of a body that goes on as it came."""
_PLAIN = frozenset((
    "model", "messages", "stream", "max_tokens", "temperature", "top_p", "stop", "tools", "tool_choice", "user", "seed",
    "parallel_tool_calls", "response_format", "reasoning_effort", "prompt", "input", "presence_penalty",
    "frequency_penalty", "logprobs", "metadata", "store", "service_tier", "prompt_cache_key", "verbosity",
))  # fmt: skip
"""Names that need no further look."""
_KNOWN = _PLAIN | _JUDGED
"""All other names are compared with those that are judged."""


def read_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
    """Model, stream flag and limits; `BadRequest` for anything that is not a chat body's head."""
    del parameters, query  # all of it stands in the body
    try:
        members = _members(body)
        model = _text(members["model"])
        stream = "stream" in members and _flag(members["stream"]) is True
        max_tokens = _count(members["max_tokens"]) if "max_tokens" in members else None
        wants_usage = False
        choices = 1
        if not _PLAIN.issuperset(members):
            if not _KNOWN.issuperset(members):
                check_spelling(members, _JUDGED)
            options = _options(members.get("stream_options", NULL))
            wants_usage = options is not None and options.include_usage is True
            new_max = _count(members.get("max_completion_tokens", NULL))
            if new_max is not None:  # providers differ in which of the two they follow
                max_tokens = new_max if max_tokens is None else max(max_tokens, new_max)
            choices = _count(members.get("n", NULL)) or 1
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        mended = mend_surrogates(body)
        if mended is not body:
            return read_head(mended)
        raise _why_not(body) from None
    if not model:
        raise BadRequest("model: expected the name of a model, got an empty string", param="model")
    if choices > CHOICES_MAX:
        raise BadRequest(f"n: expected at most {CHOICES_MAX}, got {choices}", param="n")
    if not body.isascii():
        check_utf8(body, refuse_request)
    return RequestHead(model, stream, wants_usage, max_tokens, choices, members)


def read_completions_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
    """The same of a legacy completion. `choices`: all that are written, `n` for each prompt of a list; of a whole
    reply `best_of`, since those that are not returned are charged, too."""
    head = read_head(body, parameters, query)
    members = head.members
    prompt = members.get("prompt", NULL)
    choices = head.choices
    try:
        if "best_of" in members and not head.stream:
            choices = max(choices, _count(members["best_of"]) or 1)
        if bytes(memoryview(prompt)[:1]) == b"[":
            prompts = _items(prompt)
            if prompts and bytes(memoryview(prompts[0])[:1]) in (b'"', b"["):  # else one prompt, in numbers of tokens
                choices = max(1, choices) * len(prompts)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"expected a prompt and the number of its completions, got: {error}") from None
    return head if choices == head.choices else msgspec.structs.replace(head, choices=choices)


def read_moderations_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
    """The same of a moderation, which need not name its model."""
    try:
        members = _members(body)
        if "model" not in members:
            body = msgspec.json.encode({"model": MODERATION_MODEL, **members})
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # what is wrong is said below
    return read_head(body, parameters, query)


def _why_not(body: bytes) -> BadRequest:
    """The same body read slowly, for a message with a path."""
    try:
        fields = open_body(body, refuse_request)
        fields.need_text("model")
        fields.boolean("stream")
        options = fields.child("stream_options")
        if options is not None:
            options.boolean("include_usage")
        fields.integer("max_tokens")
        fields.integer("max_completion_tokens")
        fields.integer("n")
    except BadRequest as error:
        return error
    return BadRequest("expected the body of a request, got JSON that is not one")


def rewrite(head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]) -> dict[str, Raw] | None:
    """The members with `model` set, `strip` removed and, if `ask_usage`, usage asked of the stream.

    None when nothing had to change.
    """
    members = head.members
    asked = None
    if ask_usage and "stream_options" not in strip:
        asked = _ask_usage(members.get("stream_options", NULL))
    gone = strip & members.keys() if strip else strip
    if head.model == model and asked is None and not gone:
        return None
    members = members.copy()
    members["model"] = _write_model(model)
    if asked is not None:
        members["stream_options"] = asked
    for name in gone:
        del members[name]
    return members


@lru_cache(MODELS_WRITTEN_MAX)
def _write_model(model: str) -> Raw:
    return Raw(msgspec.json.encode(model))


def _ask_usage(options: Raw) -> Raw | None:
    """The stream options with usage asked for; None when they ask already."""
    if options == NULL:
        return _INCLUDE_USAGE
    members = _members(options)
    if members.get("include_usage") == _TRUE:
        return None
    members["include_usage"] = _TRUE
    return Raw(msgspec.json.encode(members))
