"""Members that OpenAI's two APIs for chats have in common, carried from one to the other (`openai_chat`,
`openai_responses`). What only one of them knows stays with the receipt, which names it.

    chat                                    Responses
    prompt_cache_key, prompt_cache_retention, safety_identifier             the same
    verbosity                               text.verbosity
    stream_options.include_obfuscation      the same
    metadata, store                         the same; not the other way: chat takes `metadata` only of what it stores,
                                            and what `store` asks for here, Asbru does itself (docs/guides/responses.md)

Source: https://platform.openai.com/docs/api-reference/chat/create and .../responses/create
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import Extra, Raw
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.receipt import Receipt

CHAT: Final = "openai_chat"
RESPONSES: Final = "openai_responses"
_USER: Final = "safety_identifier"
_SAME: Final = ("prompt_cache_key", "prompt_cache_retention", _USER)
_STORED: Final = ("metadata", "store")
_OBFUSCATION: Final = "include_obfuscation"
_FALSE: Final = Raw(b"false")
_members = msgspec.json.Decoder(dict[str, Raw]).decode


def take_from_chat(extra: Extra, receipt: Receipt, *, stream: bool) -> dict[str, Any]:
    """The members of a Responses request that the unknown members of a chat request say; notes the others."""
    left = dict(extra)
    body = _taken(left, *_SAME, *_STORED)
    verbosity = left.pop("verbosity", NULL)
    if verbosity != NULL:
        body["text"] = {"verbosity": verbosity}
    return body | _obfuscation(left, receipt, stream=stream) | receipt.riding("", left)


def take_from_responses(extra: Extra, receipt: Receipt, *, stream: bool) -> dict[str, Any]:
    """The members of a chat request that the unknown members of a Responses request say; notes the others."""
    left = dict(extra)
    body = _taken(left, *_SAME)
    if left.get("store") == _FALSE:  # chat stores nothing unasked
        del left["store"]
    text = _opened(left, "text")
    verbosity = text.pop("verbosity", NULL)
    if verbosity != NULL:
        body["verbosity"] = verbosity
    receipt.foreign("text", text)
    return body | _obfuscation(left, receipt, stream=stream) | receipt.riding("", left)


def take_user(extra: Extra, receipt: Receipt) -> tuple[str | None, Extra]:
    """Who uses the application, for a dialect that has one member for it and not two; and what is left."""
    if receipt.source not in (CHAT, RESPONSES) or _USER not in extra:
        return None, extra
    try:
        user = msgspec.json.decode(extra[_USER], type=str)
    except DECODE_ERRORS:
        return None, extra
    receipt.changed(_USER, "became the user")
    receipt.added("user", f"the {_USER}")
    return user, {name: raw for name, raw in extra.items() if name != _USER}


def _taken(left: Extra, *names: str) -> dict[str, Any]:
    """The members of these names, taken out."""
    return {name: left.pop(name) for name in names if left.get(name, NULL) != NULL}


def _obfuscation(left: Extra, receipt: Receipt, *, stream: bool) -> dict[str, Any]:
    """Whether streams are padded; both APIs refuse the member where there is no stream."""
    options = _opened(left, "stream_options")
    wish = options.pop(_OBFUSCATION, NULL)
    receipt.foreign("stream_options", options)
    if wish == NULL:
        return {}
    if not stream:
        receipt.dropped(f"stream_options.{_OBFUSCATION}", "the response is not streamed")
        return {}
    return {"stream_options": {_OBFUSCATION: wish}}


def _opened(left: Extra, name: str) -> Extra:
    """The members of an object, taken out; an empty one, and what is no object, stays."""
    try:
        members = _members(left.get(name, NULL))
    except DECODE_ERRORS:
        return {}
    if members:
        del left[name]
    return members
