"""Reading a JSON object member by member: typed, with the path in every complaint, the rest kept as `extra`.

Serves requests (a wrong type is the caller's fault) and answers (the provider's); which of the two is
decided by the `refuse` function handed in. A member that is null counts as absent. Not here: what the
members mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from asbru.core.chat import Extra, Raw
from asbru.core.errors import AsbruError, BadRequest, UpstreamError
from asbru.dialects.openai_chat.types import NAME, NULL

T = TypeVar("T")
Refuse: TypeAlias = Callable[[str, str], AsbruError]
"""(path, complaint) -> the error to raise."""


class Kind(NamedTuple, Generic[T]):
    """A kind of value: how its JSON is read, and what it is called in a complaint."""

    decode: Callable[[Raw | bytes], T]
    expected: str


TEXT: Final = Kind(msgspec.json.Decoder(str).decode, "a string")
WHOLE: Final = Kind(msgspec.json.Decoder(int).decode, "a whole number")
NUMBER: Final = Kind(msgspec.json.Decoder(float).decode, "a number")
FLAG: Final = Kind(msgspec.json.Decoder(bool).decode, "true or false")
_OBJECT: Final = Kind(msgspec.json.Decoder(dict[str, Raw]).decode, "an object")
_LIST: Final = Kind(msgspec.json.Decoder(list[Raw]).decode, "a list")

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
        """A member left in place; None when absent or null (a null is taken out: it is nothing)."""
        raw = self._left.get(name, NULL)
        if raw != NULL:
            return raw
        self._left.pop(name, None)
        return None

    def raw(self, name: str) -> Raw | None:
        """A member as raw JSON; None when absent or null."""
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else raw

    def text(self, name: str) -> str | None:
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else self._decode(raw, name, TEXT)

    def whole(self, name: str) -> int | None:
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else self._decode(raw, name, WHOLE)

    def flag(self, name: str) -> bool | None:
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else self._decode(raw, name, FLAG)

    def present(self, kinds: Mapping[str, tuple[str, Kind[Any]]]) -> dict[str, Any]:
        """What is there of the members in `kinds`, each under the name that stands beside its kind."""
        found: dict[str, Any] = {}
        for name in [*self._left]:
            known = kinds.get(name)
            if known is not None:
                raw = self._left.pop(name)
                if raw != NULL:
                    found[known[0]] = self._decode(raw, name, known[1])
        return found

    def need_text(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise self.wrong(name, "expected a string, got nothing")
        return value

    def child(self, name: str) -> Fields | None:
        """A member that is an object."""
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else self.as_object(raw, name)

    def need_child(self, name: str) -> Fields:
        """An object that must be there."""
        value = self.child(name)
        if value is None:
            raise self.wrong(name, "expected an object, got nothing")
        return value

    def items(self, name: str) -> list[Raw] | None:
        """A member that is a list, item by item."""
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else self.as_items(raw, name)

    def as_items(self, raw: Raw, name: str) -> list[Raw]:
        """`raw`, found at `name`, as a list."""
        return self._decode(raw, name, _LIST)

    def children(self, name: str) -> list[Fields] | None:
        """A member that is a list of objects."""
        items = self.items(name)
        if items is None:
            return None
        return [self.as_object(item, f"{name}[{at}]") for at, item in enumerate(items)]

    def as_object(self, raw: Raw, name: str) -> Fields:
        """`raw`, found at `name`, as an object."""
        return Fields(self._decode(raw, name, _OBJECT), self.at(name), self._refuse)

    def as_text(self, raw: Raw, name: str) -> str:
        """`raw`, found at `name`, as a string."""
        return self._decode(raw, name, TEXT)

    def rest(self) -> Extra:
        """The members nobody asked for, nulls included."""
        return self._left

    def rest_set(self) -> Extra:
        """The members nobody asked for that hold something."""
        return {name: raw for name, raw in self._left.items() if raw != NULL}

    def _decode(self, raw: Raw, name: str, kind: Kind[T]) -> T:
        try:
            return kind.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self.wrong(name, f"expected {kind.expected}, got {kind_of(raw)}") from None
