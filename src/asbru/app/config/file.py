"""Configuration text -> plain data with line numbers. YAML and JSON, nothing else; knows no setting.

Stricter than the usual loaders: a key given twice is an error, tags that build objects do not exist (see
`yaml_document`), and size, depth and the number of values after expanding aliases are bounded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asbru.app.config.problem import (
    CONFIG_DEPTH_MAX,
    ConfigPath,
    ConfigRefusedError,
    Problem,
    kind_of,
    refused,
)

CONFIG_BYTES_MAX = 16 * 1024 * 1024


@dataclass
class Document:
    """Plain data and the line (from 1) each path starts on. The text holds credentials, so it is not printed."""

    data: Any = field(default=None, repr=False)
    lines: dict[ConfigPath, int] = field(default_factory=dict[ConfigPath, int])
    json_text: str | None = field(default=None, repr=False)
    """Set for JSON, whose lines are found only when a problem asks for one."""
    added: dict[ConfigPath, ConfigPath] = field(default_factory=dict[ConfigPath, ConfigPath])
    """Where something was added that is not in the text, and what it is called there."""
    problems: list[Problem] = field(default_factory=list[Problem])
    """Keys that are given twice; the last one counts."""

    def problem(self, path: ConfigPath, message: str) -> Problem:
        """A problem at a path: with its line, or the name of what was added."""
        for place, name in self.added.items():
            if path[: len(place)] == place:
                return Problem(path, message, shown=(*name, *path[len(place) :]))
        return Problem(path, message, self.line(path))

    def line(self, path: ConfigPath) -> int | None:
        """The line of `path`, or of the nearest part above it that has one."""
        if self.json_text is not None:
            self.lines, self.json_text = _json_lines(self.json_text), None
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None


def load_document(path: Path) -> Document:
    """The document in `path`; raises ConfigRefusedError."""
    try:
        with path.open("rb") as file:
            data = file.read(CONFIG_BYTES_MAX + 1)
    except OSError as error:
        raise refused(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > CONFIG_BYTES_MAX:
        raise refused(f"{path} is larger than {CONFIG_BYTES_MAX} bytes (config_bytes_max)")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused(f"{path} is not UTF-8 (byte {error.start})") from error
    return read_document(text, is_json=path.suffix == ".json")


def read_document(text: str, *, is_json: bool) -> Document:
    """The document in `text`; raises ConfigRefusedError with the first syntax error."""
    document = _read_json(text) if is_json else _read_yaml(text)
    if document.data is None:
        document.data = {}
    if not isinstance(document.data, dict):
        raise refused(f"expected a mapping of settings, got {kind_of(document.data)}")
    return document


def _nesting(text: str) -> int:
    """An upper bound of nesting: brackets inside of strings count as well."""
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def _read_yaml(text: str) -> Document:
    from asbru.app.config.yaml_document import read_yaml  # 1 MB, in the control process for nothing

    data, lines, problems = read_yaml(text)
    return Document(data, lines, problems=problems)


def _read_json(text: str) -> Document:
    if _nesting(text) > CONFIG_DEPTH_MAX * 4:  # before a recursive parser sees it
        raise refused(f"nested deeper than {CONFIG_DEPTH_MAX} levels")
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, value in items:
            if key in built:
                twice.append(key)
            built[key] = value
        return built

    try:
        data = json.loads(text or "{}", object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise refused(f"not valid JSON: {error.msg} (column {error.colno})", error.lineno) from error
    return Document(data, json_text=text, problems=[Problem((), f"duplicate key {key!r}") for key in twice])


def _json_lines(text: str) -> dict[ConfigPath, int]:
    """JSON is YAML, nearly always; where it is not, the errors come without line numbers."""
    from asbru.app.config.yaml_document import read_yaml  # as above

    try:
        return read_yaml(text)[1]
    except ConfigRefusedError:
        return {}
