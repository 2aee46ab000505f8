"""What all settings share: strict models, and values that may come from the environment."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


class EnvText(str):
    """Text that came from an environment variable: the one kind of text that may stand for a number."""

    __slots__ = ()


class Settings(BaseModel):
    """Base: unknown keys are errors, types are not guessed, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_section(cls, value: Any) -> Any:
        """A section whose lines are all commented out is empty, not wrong."""
        return {} if value is None else value


def _number(value: Any) -> Any:
    if not isinstance(value, EnvText):
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value


def _switch(value: Any) -> Any:
    if not isinstance(value, EnvText):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)


Count: TypeAlias = Annotated[int, BeforeValidator(_number)]
Seconds: TypeAlias = Annotated[float, BeforeValidator(_number)]
Switch: TypeAlias = Annotated[bool, BeforeValidator(_switch)]
