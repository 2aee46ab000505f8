"""From pydantic's errors to ours: the path as written in the file, what was expected, and the nearest valid key.

Values are never repeated, since any of them may be a credential. Nor are regular expressions and names of types: the
words here are those of the file.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from asbru.app.config.live import ALIAS, BASE_URL, PRICED_NAME, PROVIDER_NAME
from asbru.app.config.parts import Part
from asbru.app.config.problem import ConfigPath, Problem, kind_of
from asbru.app.config.structs import is_struct, model_of
from asbru.governance import declared
from asbru.mcp.servers import declared as servers

_EXPECTED = {
    "model_type": "a mapping of settings",
    "model_attributes_type": "a mapping of settings",
    "dict_type": "a mapping",
    "list_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "none_required": "nothing",
    "literal_error": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "string_too_short": "{min_length} or more characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "{min_length} or more entries",
    "too_long": "at most {max_length} entries",
}
"""What was expected, by pydantic's name of the error."""

FORMS = {
    **declared.FORMS,
    **servers.FORMS,
    r"^[ -:<-~]{1,128}$": "visible ASCII characters and spaces without `;`, 128 at most",
    PROVIDER_NAME: "lower-case letters, digits and `.`, `_`, `-`, a letter or a digit first, 64 at most",
    BASE_URL: "a URL that begins with http:// or https://, without spaces, `?`, `#` and `user:password@`",
    r"^https?://[^\s?#]+$": "a URL that begins with http:// or https://, without spaces, `?` and `#`",
    r"^(\*|https?://[^\s/]+)$": "`*`, or an origin such as https://app.example, without a path",
    r"^(https?://[^\s/?#]+)?$": "a URL that begins with http:// or https:// and has no path",
    r"^[A-Za-z0-9:._-]+$": "letters, digits and `:`, `.`, `_`, `-`",
    r"^[A-Za-z0-9_-]+$": "letters, digits and `_`, `-`",
    r"^[^/\s]+/\S+$": "`provider/model`, without spaces",
    r"^/[^\s?#]+$": "a path that begins with `/`, without spaces, `?` and `#`",
    ALIAS: "a model of your own choice without spaces, 200 characters at most, `*` at its end at most",
    r"^(\*|[a-z_]{1,64})$": "`*`, or the name of an operation in lower case, 64 at most",
    r"^(\*?[^*]+\*?|\*)$": "the name of a model, with `*` at its start or end at most",
    PRICED_NAME: "`provider/model`, with `*` at the start or end of either at most",
    r"^/": "an absolute path",
}
"""The forms that text must have, in words, by the pattern that checks them."""


def closest(word: str, valid: Iterable[str]) -> str | None:
    """The valid name that was probably meant."""
    close = difflib.get_close_matches(word.lower(), sorted(valid), n=1, cutoff=0.5)
    return close[0] if close else None


def nearest(word: str, valid: Iterable[str], *, shown_max: int = 50) -> str:
    """`did you mean ...?`, or the list of what is valid, as far as `shown_max` goes."""
    names = sorted(valid)
    meant = closest(word, names)
    if meant is not None:
        return f"did you mean {meant!r}?"
    more = ", ..." if len(names) > shown_max else ""
    return f"valid here: {', '.join(names[:shown_max])}{more}" if names else "none is configured"


def problem_from(detail: ErrorDetails, model: type[BaseModel], part: Part) -> Problem:
    """One of pydantic's errors about `part` as a Problem."""
    path = path_of(detail)
    return part.problem(path, _message(detail, path, model))


def path_of(detail: ErrorDetails) -> ConfigPath:
    """Where an error is."""
    return tuple(part for part in detail["loc"] if part != "[key]")


def doomed_by(detail: ErrorDetails) -> ConfigPath:
    """What must be left out so that an error is gone: the value, or all that a value is missing from."""
    path = path_of(detail)
    return path[:-1] if detail["type"] == "missing" else path


def meant_by(details: Iterable[ErrorDetails], model: type[BaseModel]) -> Iterator[ConfigPath]:
    """The settings that were probably meant by unknown keys; that they are missing is no further error."""
    for detail in details:
        if detail["type"] == "extra_forbidden":
            *section, key = path_of(detail)
            meant = closest(str(key), _keys_at(model, tuple(section)))
            if meant is not None:
                yield (*section, meant)


def _message(detail: ErrorDetails, path: ConfigPath, model: type[BaseModel]) -> str:
    kind = detail["type"]
    context = detail.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return f"unknown key {path[-1]!r}; {nearest(str(path[-1]), _keys_at(model, path[:-1]))}"
        case "missing":
            return f"{path[-1]!r} is missing"
        case "string_pattern_mismatch":
            what = "expected a name of" if "[key]" in detail["loc"] else "expected"
            return f"{what} {FORMS.get(str(context.get('pattern')), 'another form')}"
        case "value_error":
            return str(context.get("error", detail["msg"]))
        case _:
            expected = _EXPECTED.get(kind, "something else").format_map(
                {name: _plain(bound) for name, bound in context.items()}
            )
            got = f", got {kind_of(detail['input'])}" if kind.endswith(("_type", "_parsing", "_from_float")) else ""
            return f"expected {expected}{got}"


def _plain(bound: Any) -> Any:
    """A number without a fraction that says nothing."""
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _keys_at(model: type[BaseModel], path: ConfigPath) -> list[str]:
    """The keys valid in the section at `path`."""
    annotation: Any = model
    for part in path:
        annotation = _step(_unwrap(annotation), part)
    section = _unwrap(annotation)
    if isinstance(section, type) and issubclass(section, BaseModel):
        return [field.alias or name for name, field in section.model_fields.items()]
    return []


def _step(annotation: Any, part: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
        return None
    arguments = typing.get_args(annotation)
    return arguments[-1] if arguments else None


def _unwrap(annotation: Any) -> Any:
    """Through Annotated and `X | None` to the X; a Struct's X is the model that reads it."""
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif origin in (types.UnionType, typing.Union):
            inner = [part for part in typing.get_args(annotation) if part is not type(None)]
            annotation = inner[0]
        elif is_struct(annotation):
            return model_of(annotation)
        else:
            return annotation
