"""YAML text -> plain data and the line of every path. Knows no setting.

Built from the parser's events and not from its nodes: libyaml's events are fast and need no stack, where composing
nodes recurses in C until it overflows; and depth and size are bounded before anything is built. Without libyaml
PyYAML's own parser gives the same events, ten times slower. Dates stay text, and tags that build objects do not exist.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import yaml

from asbru.app.config.problem import CONFIG_DEPTH_MAX, ConfigPath, Problem, refused

CONFIG_VALUES_MAX = 1_000_000

_TAGS = "tag:yaml.org,2002:"
_STR = f"{_TAGS}str"
_MERGE = f"{_TAGS}merge"
_PLAIN_TAGS = frozenset(f"{_TAGS}{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null"))

_Fastest = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class _Loader(_Fastest):
    """Parses, resolves tags and makes scalars."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{_TAGS}timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Anchored(NamedTuple):
    """A value that an alias may repeat: how many values it holds, and how many levels."""

    value: Any
    values: int
    levels: int


def read_yaml(text: str) -> tuple[Any, dict[ConfigPath, int], list[Problem]]:
    """The data, the line (from 1) each path starts on, and every key given twice; raises ConfigRefusedError with the
    first error of any other kind."""
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        return _Reading(loader).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problem = error.problem or error.context or "cannot be read"
        # An end that comes too early is told for the line after the last.
        line = min(mark.line, text.count("\n")) + 1 if mark else None
        raise refused(f"not valid YAML: {problem}", line) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise refused(f"not valid YAML: {error}") from error
    finally:
        if loader is not None:
            loader.dispose()  # pyright: ignore[reportUnknownMemberType]  # untyped


class _Reading:
    """One pass over the events: values, lines, duplicates, bounds."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._lines: dict[ConfigPath, int] = {}
        self._problems: list[Problem] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._values = 0
        self._deepest = 0

    def read(self) -> tuple[Any, dict[ConfigPath, int], list[Problem]]:
        self._next()  # the stream begins
        data: Any = None
        if isinstance(self._next(), yaml.DocumentStartEvent):
            data = self._value(self._next(), ())
            self._next()  # the document ends
            after = self._next()
            if not isinstance(after, yaml.StreamEndEvent):
                raise refused("expected one document, found another", _line(after))
        return data, self._lines, self._problems

    def _next(self) -> Any:
        return cast("Any", self._loader.get_event())  # pyright: ignore[reportUnknownMemberType]  # untyped

    def _value(self, event: Any, path: ConfigPath) -> Any:
        line = _line(event)
        self._lines.setdefault(path, line)
        self._count(1, len(path), line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path, line)
        if event.anchor is None:
            return self._content(event, path, line)
        self._anchors[event.anchor] = None
        values, deepest = self._values, self._deepest
        self._deepest = len(path)
        value = self._content(event, path, line)
        self._anchors[event.anchor] = _Anchored(value, self._values - values, self._deepest - len(path))
        self._deepest = max(deepest, self._deepest)
        return value

    def _count(self, values: int, depth: int, line: int) -> None:
        self._values += values
        if self._values > CONFIG_VALUES_MAX:
            raise refused(f"more than {CONFIG_VALUES_MAX} values, aliases expanded", line)
        self._deepest = max(self._deepest, depth)
        if depth > CONFIG_DEPTH_MAX:
            raise refused(f"nested deeper than {CONFIG_DEPTH_MAX} levels", line)

    def _alias(self, event: Any, path: ConfigPath, line: int) -> Any:
        if event.anchor not in self._anchors:
            raise refused(f"not valid YAML: undefined alias {event.anchor!r}", line)
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise refused(f"the alias {event.anchor!r} refers to a node that contains it", line)
        self._count(anchored.values, len(path) + anchored.levels, line)
        return anchored.value

    def _content(self, event: Any, path: ConfigPath, line: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, self._tag(event), line)
        if event.tag not in (None, "!") and event.tag not in _PLAIN_TAGS:
            raise refused(f"the tag {event.tag} is not allowed", line)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _tag(self, event: Any) -> str:
        if event.tag is None or event.tag == "!":
            return cast("str", self._loader.resolve(yaml.ScalarNode, event.value, event.implicit))  # pyright: ignore[reportUnknownMemberType]  # untyped
        return cast("str", event.tag)

    def _scalar(self, event: Any, tag: str, line: int) -> Any:
        if tag == _STR:
            return event.value
        if tag not in _PLAIN_TAGS:
            raise refused(f"the tag {tag} is not allowed", line)
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        try:
            return cast("Any", self._loader.construct_object(node))  # pyright: ignore[reportUnknownMemberType]  # untyped
        except (ValueError, KeyError) as error:
            raise refused("the value does not match its tag", line) from error

    def _mapping(self, path: ConfigPath) -> dict[str, Any]:
        given: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise refused("a key must be plain text", line)
            tag = self._tag(event)
            if tag == _MERGE:
                merged = self._merge(path, line) | merged
                continue
            key = self._scalar(event, tag, line)
            key = key if isinstance(key, str) else str(event.value)
            inner = (*path, key)
            if key in given:
                self._problems.append(Problem(inner, "duplicate key", line))
            self._lines[inner] = line
            given[key] = self._value(self._next(), inner)
        return merged | given

    def _merge(self, path: ConfigPath, line: int) -> dict[str, Any]:
        """What `<<` brings: a mapping, or several of which the first wins."""
        value = self._value(self._next(), path)
        merged: dict[str, Any] = {}
        for one in cast("list[Any]", value) if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                raise refused("expected a mapping to merge, or a list of mappings", line)
            merged = cast("dict[str, Any]", one) | merged
        return merged


def _line(event: Any) -> int:
    return cast("int", event.start_mark.line) + 1
