"""What the configuration file declares, for the management API, which shows it and does not change it.

The compile process writes it beside the snapshot, without secrets, and the supervisor puts it here once it is served
by. It is read again when it has changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec


class Setting(msgspec.Struct, frozen=True):
    """A setting. `unit`: "" for none; `live`: a change needs no restart; `form`: type, choices and bounds, as a JSON
    schema. Only live settings can be changed over the API, and those of the file only there."""

    path: str
    value: Any
    default: Any
    unit: str
    words: str
    source: Literal["file", "api", "default"]
    live: bool
    form: dict[str, Any]


class Declared(msgspec.Struct, frozen=True):
    """`file`: the configuration file, None for the built-in defaults. `sections`: objects by section, as in the file;
    what is a mapping there is a list of objects with their `name` here, and so are the settings that the file sets.
    `settings`: every single one, whoever sets it."""

    file: str | None = None
    sections: dict[str, list[dict[str, Any]]] = {}
    settings: tuple[Setting, ...] = ()


class DeclaredFile:
    """See the module. `path` None: nothing is declared."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._declared = Declared()

    def read(self) -> Declared:
        """As of now. A file that is not there (yet) leaves what was known."""
        if self._path is None:
            return self._declared
        try:
            status = self._path.stat()
            stamp = (status.st_ino, status.st_mtime_ns)
            if stamp != self._stamp:
                self._declared = msgspec.json.decode(self._path.read_bytes(), type=Declared)
                self._stamp = stamp
        except FileNotFoundError:
            pass
        return self._declared
