"""Reading a JSON object member by member: typed, with the path in every complaint, the rest kept as `extra`.

Serves requests (a wrong type is the caller's fault) and replies (the provider's); which of the two is decided by the
`refuse` function handed in. A member that is null counts as absent. Each read takes its member out, so that what is
left at the end are the members nobody knows, which ride along. Not here: what the members mean.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from asbru.core.chat import Extra, Raw
from asbru.core.errors import AsbruError, BadRequest, UpstreamError
from asbru.dialects.surrogates import mend_surrogates

T = TypeVar("T")
Refuse: TypeAlias = Callable[[str, str], AsbruError]
"""(path, complaint) -> the error to raise. An empty path means the whole body."""

NULL: Final = Raw(b"null")
DECODE_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises on bad input; nothing else escapes a decoder."""


class Kind(NamedTuple, Generic[T]):
    """A kind of value: how its JSON is read, and what it is called in a complaint."""

    decode: Callable[[Raw | bytes], T]
    expected: str


TEXT: Final = Kind(msgspec.json.Decoder(str).decode, "a string")
INTEGER: Final = Kind(msgspec.json.Decoder(int).decode, "an integer")
NUMBER: Final = Kind(msgspec.json.Decoder(float).decode, "a number")
BOOLEAN: Final = Kind(msgspec.json.Decoder(bool).decode, "a boolean")
TEXTS: Final = Kind(msgspec.json.Decoder(tuple[str, ...]).decode, "an array of strings")
_OBJECT: Final = Kind(msgspec.json.Decoder(dict[str, Raw]).decode, "an object")
_ARRAY: Final = Kind(msgspec.json.Decoder(list[Raw]).decode, "an array")

Settings: TypeAlias = Mapping[str, tuple[str, Kind[Any]]]
"""Members that are one value each: by their name on the wire, the canonical name and how they are read."""

_KINDS = {0x22: "a string", 0x7B: "an object", 0x5B: "an array", 0x74: "true", 0x66: "false", 0x6E: "null"}
_SHOWN_BYTES: Final = 40
"""How much of a number that does not fit is shown."""


def refuse_request(path: str, complaint: str) -> AsbruError:
    """The caller sent something else than expected."""
    return BadRequest(f"{path or 'the body'}: {complaint}", param=path or None)


def refuse_reply(dialect: str) -> Refuse:
    """The provider, which speaks `dialect`, sent something else than expected."""

    def refuse(path: str, complaint: str) -> AsbruError:
        where = f"the provider's answer, {path}" if path else "the provider's answer"
        return UpstreamError(f"{where}: {complaint}", kind="protocol", code="upstream_protocol", dialect=dialect)

    return refuse


def kind_of(raw: Raw | bytes) -> str:
    """The kind of a JSON value, in words for a message. Looks at its start only: values may be megabytes."""
    start = bytes(memoryview(raw)[:64]).lstrip()
    return _KINDS.get(start[0], "a number") if start else "nothing"


def check_utf8(body: bytes, refuse: Refuse) -> None:
    """The JSON decoder skips over strings it does not need without checking them: this does."""
    if not body.isascii():
        try:
            str(body, "utf-8")
        except UnicodeDecodeError as error:
            raise refuse("", f"expected UTF-8, got an invalid byte at position {error.start}") from None


def open_body(body: bytes, refuse: Refuse) -> Fields:
    """The members of a whole body."""
    check_utf8(body, refuse)
    return open_object(body, "", refuse)


def open_object(raw: Raw | bytes, path: str, refuse: Refuse) -> Fields:
    """The members of the object `raw`, found at `path`."""
    try:
        return Fields(_OBJECT.decode(raw), path, refuse)
    except DECODE_ERRORS as error:
        data = bytes(raw)
        mended = mend_surrogates(data)
        if mended is not data:
            return open_object(mended, path, refuse)
        raise refuse(path, _complaint(error, raw, "an object" if path else "a JSON object")) from None


def _complaint(error: Exception, raw: Raw | bytes, expected: str) -> str:
    """What the failed decode of an object says to its sender."""
    if isinstance(error, RecursionError):
        return "expected JSON nested at most a few hundred levels deep, got more"
    if isinstance(error, msgspec.ValidationError):
        return f"expected {expected}, got {kind_of(raw)}"
    return f"expected {expected}, got malformed JSON ({error})"


def check_spelling(names: Iterable[str], judged: Collection[str]) -> None:
    """Raise `BadRequest` where a member has the name of one that Asbru judges, but for the case of its letters. JSON
    tells them apart; some servers do not, and would follow one that nobody judged."""
    for name in names:
        folded = name.casefold()
        if folded in judged and name != folded:
            raise BadRequest(f"expected the member '{folded}' in lower case, got '{name}'", param=name)


class Fields:
    """One JSON object at `path`. Each read takes the member out; `rest` gives what nobody asked for."""

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

    def peek_text(self, name: str) -> str | None:
        """A string left in place; None when absent or anything else."""
        try:
            return TEXT.decode(self._left.get(name, NULL))
        except DECODE_ERRORS:
            return None

    def raw(self, name: str) -> Raw | None:
        """A member as raw JSON; None when absent or null."""
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else raw

    def text(self, name: str) -> str | None:
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else self.read(raw, name, TEXT)

    def integer(self, name: str) -> int | None:
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else self.read(raw, name, INTEGER)

    def boolean(self, name: str) -> bool | None:
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else self.read(raw, name, BOOLEAN)

    def settings(self, known: Settings) -> dict[str, Any]:
        """What is there of the members in `known`, by canonical name."""
        found: dict[str, Any] = {}
        for name in [*self._left]:
            setting = known.get(name)
            if setting is not None:
                raw = self._left.pop(name)
                if raw != NULL:
                    found[setting[0]] = self.read(raw, name, setting[1])
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
        """A member that is an array, item by item."""
        raw = self._left.pop(name, NULL)
        return None if raw == NULL else self.as_items(raw, name)

    def need_items(self, name: str) -> list[Raw]:
        """An array that must be there."""
        value = self.items(name)
        if value is None:
            raise self.wrong(name, "expected an array, got nothing")
        return value

    def children(self, name: str) -> list[Fields] | None:
        """A member that is an array of objects."""
        items = self.items(name)
        if items is None:
            return None
        return [self.as_object(item, f"{name}[{at}]") for at, item in enumerate(items)]

    def as_items(self, raw: Raw, name: str) -> list[Raw]:
        """`raw`, found at `name`, as an array."""
        return self.read(raw, name, _ARRAY)

    def as_object(self, raw: Raw, name: str) -> Fields:
        """`raw`, found at `name`, as an object."""
        return Fields(self.read(raw, name, _OBJECT), self.at(name), self._refuse)

    def as_text(self, raw: Raw, name: str) -> str:
        """`raw`, found at `name`, as a string."""
        return self.read(raw, name, TEXT)

    def rest(self) -> Extra:
        """The members nobody asked for, nulls included."""
        return self._left

    def rest_set(self) -> Extra:
        """The members nobody asked for that hold something."""
        return {name: raw for name, raw in self._left.items() if raw != NULL}

    def read(self, raw: Raw, name: str, kind: Kind[T]) -> T:
        """`raw`, found at `name`, as a value of this kind."""
        try:
            return kind.decode(raw)
        except msgspec.ValidationError:
            raise self.wrong(name, f"expected {kind.expected}, got {_came(raw, kind.expected)}") from None
        except DECODE_ERRORS as error:
            raise self.wrong(name, f"expected {kind.expected}, got unreadable JSON ({error})") from None


def _came(raw: Raw, expected: str) -> str:
    came = kind_of(raw)
    if expected.startswith(came):
        return f"{came} with other things in it"
    return f"the number {bytes(raw)[:_SHOWN_BYTES].decode('ascii', 'replace')}" if came == "a number" else came
