"""Open sets as folders: every package in a place holds one record under an agreed name, and listing finds them all.

Only Python's import machinery is used here. What a record must hold is checked by who asks (`providers.kit`,
`dialects.discover`).
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType


class FolderFault(Exception):
    """A folder of an open set cannot be used; the message names it."""


def find_folders(package: str, place: str, extra: Iterable[str] = ()) -> Iterator[tuple[str, ModuleType]]:
    """(path, imported module) of each package in `place`, the folder of `package`, and in the `extra` places.

    Raises `FolderFault` when two have one name or one cannot be imported from its path.
    """
    seen: set[str] = set()
    for where in (place, *extra):
        for found in sorted(pkgutil.iter_modules([where]), key=lambda found: found.name):
            if not found.ispkg:
                continue
            folder = f"{where}/{found.name}"
            if found.name in seen:
                raise FolderFault(f"{folder}: there is a folder {found.name!r} already")
            seen.add(found.name)
            if where == place:
                yield folder, importlib.import_module(f"{package}.{found.name}")
            else:
                yield folder, _import_from(folder, f"{package.replace('.', '_')}_{found.name}")


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
