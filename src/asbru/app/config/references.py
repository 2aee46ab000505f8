"""Values that stand elsewhere: `env.NAME` in the environment, `file:PATH` in a file of its own (a mounted secret).

A reference is a whole value. What looks like the reference of another tool (`$NAME`, `${NAME}`, `os.environ/NAME`) is
an error: sent to a provider as it stands, it would be a wrong key. No message repeats a value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from asbru.app.config.base import EnvText, FileText
from asbru.app.config.problem import ConfigPath

SECRET_FILE_BYTES_MAX = 64 * 1024

REFERENCE = r"^(env\.[A-Za-z_][A-Za-z0-9_]*|file:.+)$"
"""The form of a reference, for the JSON schema."""

_DOCUMENT = ("openapi", "document")
"""Where a document of another tool is, in which braces mean what they mean there."""

_NAME = r"([A-Za-z_][A-Za-z0-9_]*)"
_ENV = re.compile(rf"env\.{_NAME}")
_FILE = "file:"
_ELSEWHERE = re.compile(
    rf"\${_NAME}"
    rf"|.*\$\{{(?:env[.:])?{_NAME}[^}}]*\}}.*"
    rf"|.*\{{\{{\s*(?:env\.|secrets\.)?{_NAME}\s*\}}\}}.*"
    rf"|os\.environ[/.]{_NAME}|os\.environ\[['\"]{_NAME}['\"]\]"
    rf"|process\.env\.{_NAME}"
    rf"|\$?(?i:env):{_NAME}"
    rf"|%{_NAME}%"
    rf"|(?i:env)\.{_NAME}|(?i:env)\.\S*"
    rf"|.*\senv\.{_NAME}"
)
"""How other tools write a reference to the environment, and `env.NAME` in capitals or as a part of a value."""


class References:
    """Resolves references, and keeps what came up: variables that are not set, problems, and the files that were read,
    each by the path of the value."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.unset: dict[ConfigPath, str] = {}
        self.problems: dict[ConfigPath, str] = {}
        self.files: dict[ConfigPath, str] = {}

    def resolve(self, value: Any, path: ConfigPath = ()) -> Any:
        """`value` with every reference in it replaced; one that cannot be is left as it stands."""
        if isinstance(value, dict):
            items = cast("dict[str, Any]", value).items()
            return {key: self.resolve(inner, (*path, key)) for key, inner in items}
        if isinstance(value, list):
            entries = cast("list[Any]", value)
            return [self.resolve(inner, (*path, index)) for index, inner in enumerate(entries)]
        if path[-2:] == _DOCUMENT:
            return value
        return self._resolve_text(value, path) if isinstance(value, str) else value

    def _resolve_text(self, value: str, path: ConfigPath) -> str:
        if found := _ENV.fullmatch(value):
            text = self._env.get(found[1], "").strip()
            if text:
                return EnvText(text)
            self.unset[path] = found[1]
        elif value.startswith(_FILE):
            return self._read(value.removeprefix(_FILE), path) or value
        elif found := _ELSEWHERE.fullmatch(value):
            self.problems[path] = _as_ours(next(filter(None, found.groups()), ""))
        return value

    def _read(self, file: str, path: ConfigPath) -> FileText | None:
        """The text of a file without the white space around it."""
        self.files[path] = str(Path(file).absolute())
        try:
            # A pipe that nobody writes to must not hold up the start.
            with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:  # noqa: PTH123  # a descriptor
                data = opened.read(SECRET_FILE_BYTES_MAX + 1) or b""
        except (OSError, ValueError) as error:
            self.problems[path] = f"cannot read {file}: {getattr(error, 'strerror', None) or 'not a file name'}"
            return None
        try:
            text = data.decode().strip()
        except UnicodeDecodeError:
            text = ""
        if len(data) > SECRET_FILE_BYTES_MAX:
            self.problems[path] = f"{file} is larger than {SECRET_FILE_BYTES_MAX} bytes (secret_file_bytes_max)"
        elif not text:
            self.problems[path] = f"{file} is {'not text' if data.strip() else 'empty'}"
        else:
            return FileText(text)
        return None


def _as_ours(name: str) -> str:
    """What to write instead. Only a name in capitals is repeated: other text may be a secret that begins with `$`."""
    ours = name if name.isupper() else "NAME"
    return f"to read the value from the environment write `env.{ours}`, to read it from a file write `file:PATH`"
