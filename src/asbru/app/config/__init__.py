"""The configuration file: models, reading, and every error at once.

`parse_config` turns plain data into a `ConfigFile` and all problems with their paths and lines. It reads no
environment (`env` is handed in), only the files that values refer to, and knows no provider; meaning is checked in
`app.compile`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from asbru.app.config.boot import Control, Listen, Log
from asbru.app.config.file import Document, load_document, read_document
from asbru.app.config.live import LiveSettings
from asbru.app.config.parts import Part
from asbru.app.config.problem import ConfigPath, ConfigRefusedError, Problem
from asbru.app.config.references import References
from asbru.app.config.wording import doomed_by, meant_by, nearest, path_of, problem_from

__all__ = [
    "ConfigFile",
    "ConfigPath",
    "ConfigRefusedError",
    "Document",
    "ParsedConfig",
    "Part",
    "Problem",
    "load_document",
    "nearest",
    "parse_config",
    "read_document",
]


class ConfigFile(LiveSettings):
    """A whole configuration file: the live settings, and the boot settings (`listen`, `control`, `log.format`)."""

    listen: Annotated[Listen, Field(description="Boot settings; changes take effect after a restart.")] = Listen()
    control: Annotated[Control, Field(description="Boot settings of the management API.")] = Control()
    log: Annotated[Log, Field(description="What is written to stderr.")] = Log()


@dataclass
class ParsedConfig:
    """What could be read of a file: all of it where there are no `problems`. `unset`: credentials whose environment
    variable is missing, by path of the `value` in `config`. `files`: those that values were read from."""

    config: ConfigFile
    part: Part
    problems: list[Problem] = field(default_factory=list[Problem])
    unset: dict[ConfigPath, str] = field(default_factory=dict[ConfigPath, str])
    files: tuple[str, ...] = ()


def parse_config(document: Document, env: Mapping[str, str]) -> ParsedConfig:
    """The file with its references resolved, and all that is wrong with it. What is wrong is left out, and the rest is
    read again, until it is valid."""
    part = Part(document)
    problems = dict.fromkeys(document.problems)
    while True:
        references = References(env)
        data = references.resolve(part.data)
        data.pop("$schema", None)
        wrong = references.problems | {
            path: f"environment variable {name} is not set"
            for path, name in references.unset.items()
            if not _is_credential(path)
        }
        problems |= dict.fromkeys(part.problem(path, message) for path, message in wrong.items())
        config, errors = _validated(data)
        if config is not None and not wrong:
            break
        for path in meant_by(errors, ConfigFile):
            part.miss(path)
        told = (error for error in errors if not (error["type"] == "missing" and part.is_broken(path_of(error))))
        problems |= dict.fromkeys(
            problem_from(error, ConfigFile, part) for error in told if path_of(error) not in wrong
        )
        part.take_out([*wrong, *map(doomed_by, errors)])
    problems |= dict.fromkeys(_repeated_names(config, part))
    ordered = sorted(problems, key=lambda problem: (problem.line or 0, str(problem.path)))
    return ParsedConfig(config, part, ordered, references.unset, tuple(references.files.values()))


def _validated(data: Any) -> tuple[ConfigFile | None, list[ErrorDetails]]:
    try:
        return ConfigFile.model_validate(data), []
    except ValidationError as error:
        return None, error.errors(include_url=False, include_context=True)


def _is_credential(path: ConfigPath) -> bool:
    match path:
        case ("providers", _, "keys", int(), "value") | ("virtual_keys", int(), "value"):
            return True
        case _:
            return False


def _repeated_names(config: ConfigFile, part: Part) -> list[Problem]:
    groups: list[tuple[ConfigPath, str, list[str]]] = [
        (("virtual_keys",), "name", [key.name for key in config.virtual_keys]),
        (("customers",), "name", [customer.name for customer in config.customers]),
        (("teams",), "name", [team.name for team in config.teams]),
        (("fallbacks",), "from", [fallback.source for fallback in config.fallbacks]),
        (("forwards",), "prefix", [forward.prefix for forward in config.forwards]),
    ]
    for name, provider in config.providers.items():
        groups.append((("providers", name, "keys"), "name", [key.name for key in provider.keys]))
    problems: list[Problem] = []
    for path, key, names in groups:
        seen: set[str] = set()
        for index, name in enumerate(names):
            if name in seen:
                problems.append(part.problem((*path, index, key), f"{name!r} is used twice"))
            seen.add(name)
    return problems
