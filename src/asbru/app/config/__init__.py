"""The configuration file: models, reading, and every error at once.

`parse_config` turns plain data into a `ConfigFile`, or into all problems with their paths and lines. It reads no
environment (`env` is handed in), looks nothing up and knows no provider; meaning is checked in `app.compile`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

from pydantic import Field, ValidationError

from asbru.app.config.base import EnvText
from asbru.app.config.boot import Control, Listen, Log
from asbru.app.config.file import Document, load_document, read_document
from asbru.app.config.live import LiveSettings
from asbru.app.config.problem import ConfigPath, ConfigRefusedError, Problem
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

_ENV = re.compile(r"env\.([A-Za-z_][A-Za-z0-9_]*)")


class ConfigFile(LiveSettings):
    """A whole configuration file: the live settings, and the boot settings (`listen`, `control`, `log.format`)."""

    listen: Annotated[Listen, Field(description="Boot settings; changes wait for a restart.")] = Listen()
    control: Annotated[Control, Field(description="Boot settings of the management API.")] = Control()
    log: Annotated[Log, Field(description="What is written to stderr.")] = Log()


@dataclass
class ParsedConfig:
    """A valid file. `unset`: credentials whose environment variable is missing, by path of the `value`."""

    config: ConfigFile
    document: Document
    unset: dict[ConfigPath, str] = field(default_factory=dict[ConfigPath, str])


def parse_config(document: Document, env: Mapping[str, str]) -> ParsedConfig:
    """The validated file with `env.NAME` resolved; raises ConfigRefusedError with all problems found."""
    unset: dict[ConfigPath, str] = {}
    data = _resolve(document.data, (), env, unset)
    problems: list[Problem] = []
    config: ConfigFile | None = None
    try:
        config = ConfigFile.model_validate(data)
    except ValidationError as error:
        problems = problems_from(error, ConfigFile, document)
    forgiven = {path: name for path, name in unset.items() if _is_credential(path)}
    problems = [problem for problem in problems if problem.path not in unset]
    for path, name in unset.items():
        if path not in forgiven:
            problems.append(Problem(path, f"environment variable {name} is not set", document.line(path)))
    if config is not None:
        problems.extend(_repeated_names(config, document))
    if problems or config is None:
        raise ConfigRefusedError(sorted(problems, key=lambda problem: (problem.line or 0, str(problem.path))))
    return ParsedConfig(config, document, forgiven)


def _is_credential(path: ConfigPath) -> bool:
    match path:
        case ("providers", _, "keys", int(), "value") | ("virtual_keys", int(), "value"):
            return True
        case _:
            return False


def _resolve(value: Any, path: ConfigPath, env: Mapping[str, str], unset: dict[ConfigPath, str]) -> Any:
    """`value` with every `env.NAME` replaced; a missing or empty variable is noted and left as it stands."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: _resolve(inner, (*path, key), env, unset) for key, inner in items}
    if isinstance(value, list):
        entries = cast("list[Any]", value)
        return [_resolve(inner, (*path, index), env, unset) for index, inner in enumerate(entries)]
    if isinstance(value, str) and (found := _ENV.fullmatch(value)):
        text = env.get(found[1], "").strip()
        if text:
            return EnvText(text)
        unset[path] = found[1]
    return value


def _repeated_names(config: ConfigFile, document: Document) -> list[Problem]:
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
                where = (*path, index, key)
                problems.append(Problem(where, f"{name!r} is used twice", document.line(where)))
            seen.add(name)
    return problems
