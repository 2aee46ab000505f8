"""Why a body is not understood, in the words that the configuration file gets for the same mistake.

Bodies are read by msgspec, whose messages name types and regular expressions of the language. What this does not know
is passed on as it is.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import inspect

from asbru.governance import declared

_TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_FORM = re.compile(r"Expected `str` matching regex ('.*'|\".*\")")
_PLACE = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)
_QUOTED_TYPES = re.compile(r"`([a-z |]+)`")


def explain(
    error: msgspec.ValidationError, kind: type[msgspec.Struct], forms: Mapping[str, str] = declared.FORMS
) -> str:
    """`PLACE: what was expected`, for a body that should have been a `kind`. `forms`: of text, by pattern."""
    placed = _PLACE.fullmatch(str(error))
    said, place = (placed[1], placed[2]) if placed else (str(error), "")
    where = re.sub(r"\[(\d+)\]", r".\1", place).removeprefix(".")
    said_here = _message(said, () if where else _members(kind), forms)
    if said.startswith("Invalid enum value"):
        said_here += f"; expected one of {', '.join(_values_at(kind, where))}"
    return (f"{where}: " if where else "") + said_here


def _members(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(field.encode_name for field in msgspec.structs.fields(kind))


def _values_at(kind: type[msgspec.Struct], where: str) -> Iterator[str]:
    """The values that a member may have which is a choice of words."""
    at: list[inspect.Type] = [inspect.type_info(kind)]
    for part in filter(None, re.split(r"[.\[\]]+", where)):
        at = [inner for one in at for inner in _plain(one) for inner in _step(inner, part)]
    yield from (repr(value) for one in at for plain in _plain(one) for value in _choices(plain))


def _plain(one: inspect.Type) -> Iterator[inspect.Type]:
    """The types that a type may be, without what is said about them."""
    match one:
        case inspect.Metadata(type=inner):
            yield from _plain(inner)
        case inspect.UnionType(types=inner):
            for each in inner:
                yield from _plain(each)
        case _:
            yield one


def _step(one: inspect.Type, part: str) -> Iterator[inspect.Type]:
    """The type of a member or of an entry."""
    match one:
        case inspect.StructType(fields=fields):
            yield from (field.type for field in fields if field.encode_name == part)
        case inspect.DictType(value_type=inner) | inspect.VarTupleType(item_type=inner):
            yield inner
        case inspect.ListType(item_type=inner):
            yield inner
        case _:
            pass


def _choices(one: inspect.Type) -> Iterable[object]:
    return one.values if isinstance(one, inspect.LiteralType) else ()


def _message(said: str, members: tuple[str, ...], forms: Mapping[str, str]) -> str:
    if unknown := _UNKNOWN.fullmatch(said):
        close = difflib.get_close_matches(unknown[1].lower(), members, n=1, cutoff=0.5)
        return f"unknown member {unknown[1]!r}" + (f"; did you mean {close[0]!r}?" if close else "")
    if missing := _MISSING.fullmatch(said):
        return f"{missing[1]!r} is missing"
    if form := _FORM.fullmatch(said):
        return f"expected {forms.get(ast.literal_eval(form[1]), 'another form')}"
    if said.startswith("Expected "):
        return _QUOTED_TYPES.sub(_type_words, said).replace("Expected", "expected", 1)
    return said.replace("Invalid enum value", "unknown value", 1)


def _type_words(types: re.Match[str]) -> str:
    return " or ".join(_TYPES.get(one, one) for one in types[1].split(" | "))
