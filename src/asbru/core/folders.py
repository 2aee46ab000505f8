"""Open sets as folders: every package in a place holds one record under an agreed name, and listing finds them all.

Only Python's import machinery is used here. What a record must hold is checked by who asks (`providers.kit`,
`dialects.discover`). The reverse is here, too: modules that are not loaded though a library wants them (`stand_ins`).
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType


class FolderFault(Exception):
    """A folder of an open set cannot be used; the message names it."""


class Folder:
    """One package of an open set. `path` as text; `own` when it stands beside the set's other folders."""

    __slots__ = ("name", "own", "package", "path")

    def __init__(self, package: str, place: str, name: str, *, own: bool) -> None:
        self.package = package
        self.path = f"{place}/{name}"
        self.name = name
        self.own = own

    def load(self) -> ModuleType:
        """The package, imported: by its name, or from its path where it stands elsewhere."""
        if self.own:
            return importlib.import_module(f"{self.package}.{self.name}")
        return _import_from(self.path, f"{self.package.replace('.', '_')}_{self.name}")


def find_folders(package: str, place: str, extra: Iterable[str] = ()) -> Iterator[Folder]:
    """Each package in `place`, the folder of `package`, and in the `extra` places, by name within each.

    Raises `FolderFault` when two have one name.
    """
    seen: set[str] = set()
    for where in (place, *extra):
        for name in sorted(found.name for found in pkgutil.iter_modules([where]) if found.ispkg):
            if name in seen:
                raise FolderFault(f"{where}/{name}: there is a folder {name!r} already")
            seen.add(name)
            yield Folder(package, where, name, own=where == place)


def _import_from(folder: str, name: str) -> ModuleType:
    """A package by its path, whose own modules can be imported while it loads; no trace of it is left."""
    spec = importlib.util.spec_from_file_location(name, f"{folder}/__init__.py", submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        raise FolderFault(f"{folder}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        for loaded in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
            del sys.modules[loaded]
    return module


@contextmanager
def stand_ins(*names: str) -> Generator[None]:
    """In the place of modules that a library loads and nobody uses: empty ones, in which every name is None. Gone
    afterwards, so that others can have the real ones. A module that was loaded before stays as it is."""
    held = {name: _empty(name) for name in names if name not in sys.modules}
    parents = {name: sys.modules.get(name.rpartition(".")[0]) for name in held}
    sys.modules.update(held)
    for name, parent in parents.items():
        if parent is not None:
            setattr(parent, name.rpartition(".")[2], held[name])
    try:
        yield
    finally:
        for name, parent in parents.items():
            del sys.modules[name]
            if parent is not None:
                delattr(parent, name.rpartition(".")[2])


def _empty(name: str) -> ModuleType:
    module = ModuleType(name)
    vars(module)["__getattr__"] = _nothing
    return module


def _nothing(name: str) -> None:
    if name.startswith("__"):
        raise AttributeError(name)
