"""The words in replies of what is no chat, for those who look at content: texts in a JSON object, or all of a body.

What tells a text as it was (log probabilities, the times of its words, its tokens) is emptied where a text is replaced.
Not here: chats, which their codec reads whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias, cast

import msgspec

from asbru.core.chat import ChatRequest, Choice, TextPart
from asbru.core.errors import UpstreamError
from asbru.core.reply import ChatReply
from asbru.dialects.codec import StreamReader, StreamWriter

ReadSpoken: TypeAlias = "Callable[[bytes, bytes], tuple[ChatReply, Callable[[ChatReply], bytes]]]"

_TELLING: Final = frozenset(("logprobs", "words", "tokens"))


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """`read(body, content_type)`: the texts of a reply as parts of its one choice, and what writes the body with others
    in their places. `stream_reader` and `stream_writer(request)`: of its stream; None where none holds words. Of
    `request` they know the model and whether usage is wanted."""

    read: ReadSpoken
    stream_reader: Callable[[], StreamReader] | None = None
    stream_writer: Callable[[ChatRequest], StreamWriter] | None = None


def spoken_at(*paths: str) -> ReadSpoken:
    """`Spoken.read` of a JSON object with texts in these places, in which `*` is each item of a list
    ("choices.*.text"), or of a body that is no JSON: then all of it is one text."""
    steps = [path.split(".") for path in paths]

    def read(body: bytes, content_type: bytes) -> tuple[ChatReply, Callable[[ChatReply], bytes]]:
        value: Any = body
        if body.startswith(b"{") or content_type.find(b"json") >= 0:
            value = _open(body)
        root: list[Any] = [value]
        if not isinstance(value, dict):
            root[0] = body.decode("utf-8", "replace")
            slots: list[tuple[Any, Any]] = [(root, 0)]
        else:
            slots = [slot for path in steps for slot in _slots(root, ["0", *path])]
        parts = tuple([TextPart(text=holder[key]) for holder, key in slots])
        reply = ChatReply(id="", model="", choices=(Choice(index=0, parts=parts, stop=None),))

        def write(changed: ChatReply) -> bytes:
            for (holder, key), part in zip(slots, changed.choices[0].parts, strict=True):
                assert isinstance(part, TextPart), "stages leave a part what it is"
                holder[key] = part.text
            if isinstance(root[0], str):
                return root[0].encode()
            _empty(root[0])
            return msgspec.json.encode(root[0])

        return reply, write

    return read


def _open(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamError(
            f"the provider returned a response that cannot be read: {error}",
            kind="protocol",
            code="upstream_protocol",
        ) from None


def _slots(holder: Any, path: list[str]) -> Iterator[tuple[Any, Any]]:
    """Where the texts at a path stand: what holds each, and by which key."""
    step, *rest = path
    keys: list[Any] = []
    if isinstance(holder, list):
        keys = [*range(len(cast("list[Any]", holder)))] if step == "*" else [int(step)]
    elif isinstance(holder, dict) and step in holder:
        keys = [step]
    for key in keys:
        inner = cast("Any", holder)[key]
        if rest:
            yield from _slots(inner, rest)
        elif isinstance(inner, str) and inner:
            yield holder, key


def _empty(value: Any) -> None:
    """Empty what tells texts as they were."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        for name, inner in members.items():
            if name in _TELLING and inner is not None:
                members[name] = [] if isinstance(inner, list) else None
            else:
                _empty(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            _empty(inner)
