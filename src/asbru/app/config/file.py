"""Configuration text -> plain data with line numbers. YAML and JSON, nothing else; knows no setting.

Stricter than the usual loaders: a key given twice is an error, tags that build objects do not exist, and size,
depth and the number of values after expanding aliases are bounded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from asbru.app.config.problem import ConfigPath, ConfigRefusedError, Problem

CONFIG_BYTES_MAX = 1024 * 1024
CONFIG_DEPTH_MAX = 32
CONFIG_VALUES_MAX = 200_000


@dataclass
class Document:
    """Plain data and the line (from 1) each path starts on. The text holds credentials, so it is not printed."""

    data: Any = field(default=None, repr=False)
    lines: dict[ConfigPath, int] = field(default_factory=dict[ConfigPath, int])
    json_text: str | None = field(default=None, repr=False)
    """Set for JSON, whose lines are found only when a problem asks for one."""

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
        raise _refused(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > CONFIG_BYTES_MAX:
        raise _refused(f"{path} is larger than {CONFIG_BYTES_MAX} bytes (config_bytes_max)")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(f"{path} is not UTF-8 (byte {error.start})") from error
    return read_document(text, is_json=path.suffix == ".json")


def read_document(text: str, *, is_json: bool) -> Document:
    """The document in `text`; raises ConfigRefusedError with every duplicate key, or the first syntax error."""
    if _nesting(text) > CONFIG_DEPTH_MAX * 4:
        raise _refused(f"nested deeper than {CONFIG_DEPTH_MAX} levels")
    try:
        document = _read_json(text) if is_json else _read_yaml(text)
    except RecursionError:
        raise _refused(f"nested deeper than {CONFIG_DEPTH_MAX} levels") from None
    if document.data is None:
        document.data = {}
    if not isinstance(document.data, dict):
        raise _refused(f"expected a mapping of settings, got {type(document.data).__name__}")
    return document


def _refused(message: str, line: int | None = None) -> ConfigRefusedError:
    return ConfigRefusedError([Problem((), message, line)])


def _nesting(text: str) -> int:
    """An upper bound of flow nesting, before any recursive parser sees the text."""
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def _read_json(text: str) -> Document:
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
        raise _refused(f"not valid JSON: {error.msg} (column {error.colno})", error.lineno) from error
    if twice:
        raise ConfigRefusedError([Problem((), f"key {key!r} is given twice") for key in twice])
    return Document(data, json_text=text)


def _json_lines(text: str) -> dict[ConfigPath, int]:
    """JSON is YAML, nearly always; where it is not, the errors come without line numbers."""
    try:
        return _read_yaml(text).lines
    except (ConfigRefusedError, RecursionError):
        return {}


_TAGS = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(("map", "seq", "str", "int", "float", "bool", "null"))


class _Loader(yaml.SafeLoader):
    """The safe loader, read as text: dates stay strings. Not libyaml's, which overflows the stack on deep input."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{_TAGS}timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read_yaml(text: str) -> Document:
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:
        raise _refused(f"not valid YAML: {error}") from error
    try:
        root = loader.get_single_node()
        if root is None:
            return Document({})
        return _Reading(loader).read(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problem = error.problem or error.context or "cannot be read"
        raise _refused(f"not valid YAML: {problem}", mark.line + 1 if mark else None) from error
    except yaml.YAMLError as error:
        raise _refused(f"not valid YAML: {error}") from error
    finally:
        loader.dispose()  # pyright: ignore[reportUnknownMemberType]  # untyped


class _Reading:
    """One pass over the node tree: values, lines, duplicates, bounds."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._lines: dict[ConfigPath, int] = {}
        self._problems: list[Problem] = []
        self._values = 0

    def read(self, root: yaml.Node) -> Document:
        data = self._value(root, ())
        if self._problems:
            raise ConfigRefusedError(self._problems)
        return Document(data, self._lines)

    def _value(self, node: yaml.Node, path: ConfigPath) -> Any:
        line = node.start_mark.line + 1
        self._lines.setdefault(path, line)
        self._values += 1
        if self._values > CONFIG_VALUES_MAX:
            raise _refused(f"more than {CONFIG_VALUES_MAX} values, aliases expanded", line)
        if len(path) > CONFIG_DEPTH_MAX:
            raise _refused(f"nested deeper than {CONFIG_DEPTH_MAX} levels", line)
        if node.tag.removeprefix(_TAGS) not in _PLAIN_TAGS:
            raise _refused(f"tag {node.tag} is not allowed", line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items = cast("list[yaml.Node]", node.value)
            return [self._value(item, (*path, index)) for index, item in enumerate(items)]
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return cast("Any", self._loader.construct_object(node))  # pyright: ignore[reportUnknownMemberType]  # untyped
        except (ValueError, KeyError) as error:
            raise _refused("the value does not fit its tag", node.start_mark.line + 1) from error

    def _mapping(self, node: yaml.MappingNode, path: ConfigPath) -> dict[Any, Any]:
        self._check_twice(node, path)
        self._loader.flatten_mapping(node)
        built: dict[Any, Any] = {}
        for key_node, value_node in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            key = self._key(key_node)
            inner = (*path, key)
            self._lines[inner] = key_node.start_mark.line + 1
            built[key] = self._value(value_node, inner)
        return built

    def _check_twice(self, node: yaml.MappingNode, path: ConfigPath) -> None:
        seen: set[str] = set()
        for key_node, _ in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            if key_node.tag == f"{_TAGS}merge":
                continue
            key = self._key(key_node)
            if key in seen:
                line = key_node.start_mark.line + 1
                self._problems.append(Problem((*path, key), "key is given twice", line))
            seen.add(key)

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise _refused("a key must be plain text", node.start_mark.line + 1)
        key = self._scalar(node)
        return key if isinstance(key, str) else str(node.value)
