"""From pydantic's errors to ours: the path as written in the file, what was expected, and the nearest valid key.

Values are never repeated, since any of them may be a credential.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from asbru.app.config.file import Document
from asbru.app.config.problem import ConfigPath, Problem
from asbru.app.config.structs import is_struct, model_of

_TYPE_WORDS = {
    "dict": "a mapping",
    "list": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "NoneType": "nothing",
    "EnvText": "text from the environment",
    "FileText": "text from a file",
}


def nearest(word: str, valid: Iterable[str]) -> str:
    """`did you mean ...?`, or the list of what is valid."""
    names = sorted(valid)
    close = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"valid here: {', '.join(names)}" if names else "no keys are valid here"


def problems_from(error: ValidationError, model: type[BaseModel], document: Document) -> list[Problem]:
    """Each of pydantic's errors as a Problem."""
    found: dict[Problem, None] = {}
    for detail in error.errors(include_url=False, include_context=True):
        path = tuple(part for part in detail["loc"] if part != "[key]")
        message = _message(detail, path, model)
        found[Problem(path, message, document.line(path))] = None
    return list(found)


def _message(detail: ErrorDetails, path: ConfigPath, model: type[BaseModel]) -> str:
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key {path[-1]!r}; {nearest(str(path[-1]), _keys_at(model, path[:-1]))}"
    if kind == "missing":
        return f"{path[-1]!r} is missing"
    if kind == "string_pattern_mismatch":
        what = "the name" if "[key]" in detail["loc"] else "the text"
        return f"{what} does not match the expected pattern {context.get('pattern')}"
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    message = detail["msg"].replace("Input should be", "expected")
    message = message.replace(" a valid dictionary or instance of", " the settings of a")
    if kind.endswith("_type"):
        got = type(detail["input"]).__name__
        message = f"{message}, got {_TYPE_WORDS.get(got, got)}"
    return message


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
