"""What all settings share: strict models, and values that may come from the environment or a file.

Knows no setting by name.
"""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Literal, Union, cast

from pydantic import BaseModel, ConfigDict, model_validator

_SWITCHES = {"true": True, "1": True, "false": False, "0": False}


class ReferredText(str):
    """Text that a reference led to: the one kind of text that may stand for a number."""

    __slots__ = ()


class EnvText(ReferredText):
    """Text that came from an environment variable."""

    __slots__ = ()


class FileText(ReferredText):
    """Text that came from a file of its own."""

    __slots__ = ()


class Settings(BaseModel):
    """Base: unknown keys are errors, types are not guessed, and nothing changes after reading."""

    # Built at their first use, so that a section which is only read as part of the whole has no validator of its own.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        """A section whose lines are all commented out is empty, not wrong; a number may be a reference."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            return value
        given = cast("dict[str, Any]", value)
        return {name: cls._from_text(name, inner) for name, inner in given.items()}

    @classmethod
    def _from_text(cls, name: str, value: Any) -> Any:
        field = cls.model_fields.get(name)
        if field is None or not isinstance(value, ReferredText):
            return value
        wanted = _kinds(field.annotation)
        if bool in wanted:
            return _SWITCHES.get(value.lower(), value)
        if int in wanted or float in wanted:
            return _number(value)
        return str(value) if Literal in wanted else value


def _kinds(hint: Any) -> set[Any]:
    """The plain types that a hint allows, and `Literal` for itself."""
    origin = typing.get_origin(hint)
    if origin is Annotated:
        return _kinds(typing.get_args(hint)[0])
    if origin in (types.UnionType, Union):
        return {kind for part in typing.get_args(hint) for kind in _kinds(part)}
    return {origin or hint}


def _number(text: str) -> int | float | str:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
