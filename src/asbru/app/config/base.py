"""What all settings share: strict models, and values that may come from the environment.

Knows no setting by name.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, model_validator

_SWITCHES = {"true": True, "1": True, "false": False, "0": False}


class EnvText(str):
    """Text that came from an environment variable: the one kind of text that may stand for a number."""

    __slots__ = ()


class Settings(BaseModel):
    """Base: unknown keys are errors, types are not guessed, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        """A section whose lines are all commented out is empty, not wrong; a number may come from the environment."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            return value
        given = cast("dict[str, Any]", value)
        return {name: cls._from_environment(name, inner) for name, inner in given.items()}

    @classmethod
    def _from_environment(cls, name: str, value: Any) -> Any:
        field = cls.model_fields.get(name)
        if field is None or not isinstance(value, EnvText):
            return value
        wanted: Any = field.annotation
        if wanted in (bool, bool | None):
            return _SWITCHES.get(value.lower(), value)
        if wanted in (int, float):
            return _number(value)
        return value


def _number(text: str) -> int | float | str:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
