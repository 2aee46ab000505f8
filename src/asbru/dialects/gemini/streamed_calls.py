"""Calls that come in pieces: a part that names the function and `willContinue`, then parts that continue it.

    {"functionCall": {"name": "f", "willContinue": true}}                               begins a call
    {"functionCall": {"partialArgs": [...], "willContinue": true}}                      continues it
    {"functionCall": {}}, or a piece without willContinue, or any other part            ends it

Streams bring them (`stream.py`), and so do the histories of clients, which keep the parts as they came. Not here: the
pieces of arguments (`partial_args.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from asbru.core.chat import Raw
from asbru.dialects.fields import Fields
from asbru.dialects.gemini.partial_args import PartialArguments
from asbru.dialects.gemini.types import encode, in_camel

CALL: Final = "functionCall"
_PIECES: Final = "partialArgs"
_CONTINUES: Final = "willContinue"
_TRUE: Final = Raw(b"true")


def take_piece(part: Fields) -> Fields | None:
    """The piece of a call that comes in pieces, taken out of its part; where it begins one, the call stays in the part,
    without arguments. None for a part that is whole."""
    raw = part.peek(CALL)
    if raw is None:
        return None
    call = in_camel(part.as_object(raw, CALL))
    begins = call.peek("name") is not None
    if "args" in call or (begins and not (_PIECES in call or call.peek(_CONTINUES) == _TRUE)):
        return None
    members = part.rest()
    del members[CALL]
    if begins:
        kept = {name: raw for name, raw in call.rest().items() if name not in (_PIECES, _CONTINUES)}
        members[CALL] = Raw(encode(kept))
    return call


def continues(piece: Fields) -> bool:
    """Whether another piece follows."""
    return piece.boolean(_CONTINUES) is True


def check_begun(piece: Fields) -> None:
    """For a piece while no call is open: one that ends what has ended says nothing; any other is refused."""
    if _PIECES in piece or continues(piece):
        raise piece.wrong("name", "expected the name of a function, got a piece of a call that has not begun")


def joined(parts: Iterable[Fields]) -> Iterator[Fields]:
    """The parts of a content, each call in pieces as one part with all of its arguments."""
    held: Fields | None = None
    arguments, texts = PartialArguments(), [""]
    for part in parts:
        piece = take_piece(part)
        if held is not None and (piece is None or CALL in part):
            yield _whole(held, [*texts, arguments.end()])
            held = None
        if piece is None:
            yield part
            continue
        if CALL in part:
            held, arguments, texts = part, PartialArguments(), []
        elif held is None:
            check_begun(piece)
            continue
        texts.append(arguments.take(piece))
        if not continues(piece):
            yield _whole(held, [*texts, arguments.end()])
            held = None
    if held is not None:
        yield _whole(held, [*texts, arguments.end()])


def _whole(part: Fields, texts: list[str]) -> Fields:
    """The part of a call with its arguments."""
    call = part.need_child(CALL).rest()
    part.rest()[CALL] = Raw(encode({**call, "args": Raw("".join(texts).encode())}))
    return part
