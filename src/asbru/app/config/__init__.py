"""The configuration file: models, reading, and every error at once.

`parse_config` turns plain data into a `ConfigFile`, or into all problems with their paths and lines. It reads no
environment (`env` is handed in), only the files that values refer to, and knows no provider; meaning is checked in
`app.compile`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, ValidationError

from asbru.app.config.boot import Control, Listen, Log
from asbru.app.config.file import Document, load_document, read_document
from asbru.app.config.live import LiveSettings
from asbru.app.config.problem import ConfigPath, ConfigRefusedError, Problem
from asbru.app.config.references import References
from asbru.app.config.wording import nearest, problems_from

__all__ = [
    "ConfigFile",
    "ConfigPath",
    "ConfigRefusedError",
    "Document",
    "ParsedConfig",
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
    """A valid file. `unset`: credentials whose environment variable is missing, by path of the `value`. `files`: those
    that values were read from."""

    config: ConfigFile
    document: Document
    unset: dict[ConfigPath, str] = field(default_factory=dict[ConfigPath, str])
    files: tuple[str, ...] = ()


def parse_config(document: Document, env: Mapping[str, str]) -> ParsedConfig:
    """The validated file with its references resolved; raises ConfigRefusedError with all problems found."""
    references = References(env)
    data = references.resolve(document.data)
    data.pop("$schema", None)
    found = dict(references.problems)
    for path, name in references.unset.items():
        if not _is_credential(path):
            found[path] = f"environment variable {name} is not set"
    problems = [Problem(path, message, document.line(path)) for path, message in found.items()]
    config: ConfigFile | None = None
    try:
        config = ConfigFile.model_validate(data)
    except ValidationError as error:
        told = found.keys() | references.unset.keys()
        problems += [one for one in problems_from(error, ConfigFile, document) if one.path not in told]
    if config is not None:
        problems.extend(_repeated_names(config, document))
    if problems or config is None:
        raise ConfigRefusedError(sorted(problems, key=lambda problem: (problem.line or 0, str(problem.path))))
    return ParsedConfig(config, document, references.unset, tuple(references.files.values()))


def _is_credential(path: ConfigPath) -> bool:
    match path:
        case ("providers", _, "keys", int(), "value") | ("virtual_keys", int(), "value"):
            return True
        case _:
            return False


def _repeated_names(config: ConfigFile, document: Document) -> list[Problem]:
    groups: list[tuple[ConfigPath, str, list[str]]] = [
        (("virtual_keys",), "name", [key.name for key in config.virtual_keys]),
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
                where = (*path, index, key)
                problems.append(Problem(where, f"{name!r} is used twice", document.line(where)))
            seen.add(name)
    return problems
