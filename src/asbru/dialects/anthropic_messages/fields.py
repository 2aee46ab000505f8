"""Reading a JSON object field by field, keeping what nobody asked for.

`Fields` holds the members as raw JSON; each `take_*` removes one and checks its type, and `rest()` is what is left:
the unknown fields, which ride along. A wrong type raises `Misfit`, whose message names the path, what was expected
and what came; the doors turn it into their own error. An explicit null counts as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from asbru.core.chat import Extra, Raw
from asbru.dialects.anthropic_messages.types import DECODE_ERRORS, NULL, decode_members

T = TypeVar("T")


class Kind(NamedTuple, Generic[T]):
    """A kind of value: how its JSON is read (null is None), and what it is called in a complaint."""

    decode: Callable[[Raw], T | None]
    expected: str


STRING: Final = Kind[str](msgspec.json.Decoder[Any](str | None).decode, "a string")
INTEGER: Final = Kind[int](msgspec.json.Decoder[Any](int | None).decode, "an integer")
NUMBER: Final = Kind[float](msgspec.json.Decoder[Any](float | None).decode, "a number")
BOOLEAN: Final = Kind[bool](msgspec.json.Decoder[Any](bool | None).decode, "a boolean")
STRINGS: Final = Kind[tuple[str, ...]](
    msgspec.json.Decoder[Any](tuple[str, ...] | None).decode, "an array of strings"
)
ARRAY: Final = Kind[list[Raw]](msgspec.json.Decoder[Any](list[Raw] | None).decode, "an array")

_KINDS = {
    0x7B: "an object",
    0x5B: "an array",
    0x22: "a string",
    0x74: "a boolean",
    0x66: "a boolean",
    0x6E: "null",
}


class Misfit(Exception):
    """A value is not what the format wants; the message says where, what was expected and what came."""


def describe(raw: Raw | bytes) -> str:
    """What kind of JSON value `raw` is, with its article. Looks at the start only: values may be megabytes."""
    start = bytes(memoryview(raw)[:64]).lstrip()
    return _KINDS.get(start[0], "a number") if start else "nothing"


def is_null(raw: Raw) -> bool:
    """Whether a member of a decoded object is null."""
    return raw == NULL


class Fields:
    """The members of one JSON object at `path`."""

    __slots__ = ("members", "path")

    def __init__(self, members: dict[str, Raw], path: str) -> None:
        self.members = members
        self.path = path

    def at(self, name: str) -> str:
        """The path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def holds(self, name: str) -> bool:
        """Whether the member is there and not null; it stays."""
        raw = self.members.get(name)
        return raw is not None and not is_null(raw)

    def take_raw(self, name: str) -> Raw | None:
        """The member as raw JSON; None when absent or null."""
        raw = self.members.pop(name, None)
        return None if raw is None or is_null(raw) else raw

    def take_str(self, name: str) -> str | None:
        """A string or None."""
        raw = self.members.pop(name, None)
        return None if raw is None else self.read(name, raw, STRING)

    def need_str(self, name: str) -> str:
        """A string that must be there."""
        return self._need(name, self.take_str(name), "a string")

    def take_int(self, name: str) -> int | None:
        """An integer or None."""
        raw = self.members.pop(name, None)
        return None if raw is None else self.read(name, raw, INTEGER)

    def take_bool(self, name: str) -> bool | None:
        """A boolean or None."""
        raw = self.members.pop(name, None)
        return None if raw is None else self.read(name, raw, BOOLEAN)

    def take_list(self, name: str) -> list[Raw] | None:
        """A list of raw values or None."""
        raw = self.members.pop(name, None)
        return None if raw is None else self.read(name, raw, ARRAY)

    def need_list(self, name: str) -> list[Raw]:
        """A list that must be there."""
        return self._need(name, self.take_list(name), "an array")

    def take_object(self, name: str) -> Fields | None:
        """An object or None."""
        raw = self.take_raw(name)
        return None if raw is None else open_object(raw, self.at(name))

    def need_object(self, name: str) -> Fields:
        """An object that must be there."""
        return self._need(name, self.take_object(name), "an object")

    def peek_str(self, name: str) -> str | None:
        """A string left in place; None when absent or not a string."""
        raw = self.members.get(name)
        if raw is None:
            return None
        try:
            return STRING.decode(raw)
        except DECODE_ERRORS:
            return None

    def rest(self) -> Extra:
        """What was not taken."""
        return self.members

    def take_present(self, kinds: Mapping[str, tuple[str, Kind[Any]]]) -> dict[str, Any]:
        """What is there of the members in `kinds`, each under the name that stands beside its kind."""
        found: dict[str, Any] = {}
        for name in [*self.members]:
            known = kinds.get(name)
            if known is not None:
                value = self.read(name, self.members.pop(name), known[1])
                if value is not None:
                    found[known[0]] = value
        return found

    def read(self, name: str, raw: Raw, kind: Kind[T]) -> T | None:
        """`raw`, found at `name`, as a value of this kind; None when it is null."""
        try:
            return kind.decode(raw)
        except msgspec.ValidationError:
            raise Misfit(f"{self.at(name)}: expected {kind.expected}, got {_came(raw, kind.expected)}") from None
        except DECODE_ERRORS as error:
            raise Misfit(f"{self.at(name)}: expected {kind.expected}, got unreadable JSON: {error}") from None

    def _need(self, name: str, value: T | None, expected: str) -> T:
        if value is None:
            raise Misfit(f"{self.at(name)}: expected {expected}, got nothing")
        return value


def _came(raw: Raw, expected: str) -> str:
    came = describe(raw)
    if expected.startswith(came):
        return f"{came} with other things in it"
    return f"the number {bytes(raw)[:40].decode('ascii', 'replace')}" if came == "a number" else came


def open_object(raw: Raw | bytes, path: str) -> Fields:
    """The members of the object `raw`; `Misfit` when it is not one. An empty path means the whole body."""
    place = f"{path}: " if path else "the body: "
    try:
        return Fields(decode_members(raw), path)
    except msgspec.ValidationError:
        raise Misfit(f"{place}expected an object, got {describe(raw)}") from None
    except RecursionError:
        raise Misfit(f"{place}expected JSON nested at most a few hundred levels deep, got more") from None
    except DECODE_ERRORS as error:
        raise Misfit(f"{place}expected valid JSON in UTF-8, got: {error}") from None


def check_utf8(body: bytes) -> None:
    """Raise `Misfit` unless the whole body is UTF-8: the decoder looks only at the strings it is asked for."""
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Misfit(f"the body: expected UTF-8, got a bad byte at {error.start}") from None


def text_of(raw: Raw) -> str:
    """Raw JSON as text."""
    return bytes(raw).decode()


def raw_of(text: str) -> Raw:
    """Text that is JSON as raw JSON."""
    return Raw(text.encode())
