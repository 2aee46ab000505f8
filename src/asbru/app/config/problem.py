"""What is wrong with a configuration: where, in the words of the file, and the line where that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

ConfigPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of the document."""

CONFIG_DEPTH_MAX = 32
"""Levels of a document; one that is deeper is refused."""

_KINDS = {
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


def kind_of(value: Any) -> str:
    """What a value is, in the words of the file."""
    return _KINDS.get(type(value).__name__, "something else")


@dataclass(frozen=True)
class Problem:
    """One error or warning. `line` counts from 1; None where it is not known. `shown`: what is said in place of the
    path where that is not in the file."""

    path: ConfigPath
    message: str
    line: int | None = None
    shown: ConfigPath = ()

    def __str__(self) -> str:
        where = ".".join(str(part) for part in self.shown or self.path)
        if self.line is not None:
            where = f"line {self.line}: {where}" if where else f"line {self.line}"
        return f"{where}: {self.message}" if where else self.message


class ConfigRefusedError(Exception):
    """The configuration cannot be used; `problems` holds every error found, not the first."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


def refused(message: str, line: int | None = None) -> ConfigRefusedError:
    """The refusal of a text as a whole."""
    return ConfigRefusedError([Problem((), message, line)])
