"""Reading a JSON object member by member: typed, with the path in every complaint, the rest kept as `extra`.

Serves requests (a wrong type is the caller's fault) and answers (the provider's); which of the two is
decided by the `refuse` function handed in. A member that is null counts as absent. Not here: what the
members mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

import msgspec

from asbru.core.chat import Extra, Raw
from asbru.core.errors import AsbruError, BadRequest, UpstreamError
from asbru.dialects.openai_chat.types import NAME, NULL

T = TypeVar("T")
Refuse: TypeAlias = Callable[[str, str], AsbruError]
"""(path, complaint) -> the error to raise."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_WHOLE = msgspec.json.Decoder(int)
_NUMBER = msgspec.json.Decoder(float)
_FLAG = msgspec.json.Decoder(bool)

_KINDS = {0x22: "a string", 0x7B: "an object", 0x5B: "a list", 0x74: "true", 0x66: "false", 0x6E: "null"}


def refuse_request(path: str, complaint: str) -> AsbruError:
    """The caller sent something else than expected."""
    return BadRequest(f"{path}: {complaint}" if path else complaint, param=path or None)


def refuse_answer(path: str, complaint: str) -> AsbruError:
    """The provider sent something else than expected."""
    where = f"the provider's answer, {path}" if path else "the provider's answer"
    return UpstreamError(f"{where}: {complaint}", kind="protocol", code="upstream_protocol", dialect=NAME)


def kind_of(raw: Raw | bytes) -> str:
    """The kind of a JSON value, in words for a message."""
    return _KINDS.get(memoryview(raw)[0], "a number") if memoryview(raw) else "nothing"


def check_utf8(body: bytes, refuse: Refuse) -> None:
    """The JSON decoder skips over strings it does not need without checking them: this does."""
    if not body.isascii():
        try:
            str(body, "utf-8")
        except UnicodeDecodeError as error:
            raise refuse("", f"expected UTF-8, got an invalid byte at position {error.start}") from None


def complain(error: Exception, body: bytes) -> str:
    """What a failed decode of a whole body says to its sender."""
    if isinstance(error, RecursionError):
        return "expected JSON of sane depth, got too many nested lists or objects"
    if isinstance(error, msgspec.ValidationError):
        return f"expected a JSON object, got {kind_of(body.lstrip())}"
    return f"expected a JSON object, got malformed JSON ({error})"


def open_object(body: bytes, refuse: Refuse) -> Fields:
    """The members of a whole body."""
    check_utf8(body, refuse)
    try:
        return Fields(_OBJECT.decode(body), "", refuse)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse("", complain(error, body)) from None


class Fields:
    """One JSON object. Each read takes the member out; `rest` gives what nobody asked for."""

    __slots__ = ("_left", "_refuse", "path")

    def __init__(self, members: dict[str, Raw], path: str, refuse: Refuse) -> None:
        self._left = members
        self._refuse = refuse
        self.path = path

    def __contains__(self, name: str) -> bool:
        return self._left.get(name, NULL) != NULL

    def at(self, name: str) -> str:
        """The path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, complaint: str) -> AsbruError:
        """The error for a member with an unacceptable value."""
        return self._refuse(self.at(name), complaint)

    def peek(self, name: str) -> Raw | None:
        """A member left in place; None when absent or null."""
        raw = self._left.get(name)
        return None if raw is None or raw == NULL else raw

    def raw(self, name: str) -> Raw | None:
        """A member as raw JSON; None when absent or null."""
        raw = self._left.pop(name, None)
        return None if raw is None or raw == NULL else raw

    def text(self, name: str) -> str | None:
        return self._read(name, _TEXT, "a string")

    def whole(self, name: str) -> int | None:
        return self._read(name, _WHOLE, "a whole number")

    def number(self, name: str) -> float | None:
        return self._read(name, _NUMBER, "a number")

    def flag(self, name: str) -> bool | None:
        return self._read(name, _FLAG, "true or false")

    def need_text(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise self.wrong(name, "expected a string, got nothing")
        return value

    def child(self, name: str) -> Fields | None:
        """A member that is an object."""
        members = self._read(name, _OBJECT, "an object")
        return None if members is None else Fields(members, self.at(name), self._refuse)

    def need_child(self, name: str) -> Fields:
        """An object that must be there."""
        value = self.child(name)
        if value is None:
            raise self.wrong(name, "expected an object, got nothing")
        return value

    def items(self, name: str) -> list[Raw] | None:
        """A member that is a list, item by item."""
        return self._read(name, _LIST, "a list")

    def children(self, name: str) -> list[Fields] | None:
        """A member that is a list of objects."""
        items = self.items(name)
        if items is None:
            return None
        return [self.as_object(item, f"{name}[{at}]") for at, item in enumerate(items)]

    def as_object(self, raw: Raw, name: str) -> Fields:
        """`raw`, found at `name`, as an object."""
        return Fields(self._decode(raw, name, _OBJECT, "an object"), self.at(name), self._refuse)

    def as_text(self, raw: Raw, name: str) -> str:
        """`raw`, found at `name`, as a string."""
        return self._decode(raw, name, _TEXT, "a string")

    def rest(self) -> Extra:
        """The members nobody asked for, nulls included."""
        return self._left

    def rest_set(self) -> Extra:
        """The members nobody asked for that hold something."""
        return {name: raw for name, raw in self._left.items() if raw != NULL}

    def _read(self, name: str, decoder: msgspec.json.Decoder[T], expected: str) -> T | None:
        raw = self.raw(name)
        return None if raw is None else self._decode(raw, name, decoder, expected)

    def _decode(self, raw: Raw, name: str, decoder: msgspec.json.Decoder[T], expected: str) -> T:
        try:
            return decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self.wrong(name, f"expected {expected}, got {kind_of(raw)}") from None
