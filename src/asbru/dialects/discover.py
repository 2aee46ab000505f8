"""How dialects are found: every folder beside this file, and those in other places that a test or a plugin names."""

from __future__ import annotations

from collections.abc import Iterable

from asbru.core.folders import Folder, FolderFault, find_folders
from asbru.dialects.contract import Derived, Dialect, Operation


def discover(extra: Iterable[str] = ()) -> dict[str, Dialect]:
    """Every dialect by name. Raises `FolderFault` naming the folder whose record is missing or wrong."""
    package = __package__ or "asbru.dialects"
    found: dict[str, Dialect] = {}
    derived: list[tuple[Folder, Derived]] = []
    for folder in find_folders(package, __file__.rpartition("/")[0], extra):
        dialect = getattr(folder.load(), "DIALECT", None)
        if isinstance(dialect, Derived):
            derived.append((folder, dialect))
        else:
            found[folder.name] = _checked(dialect, folder)
    for folder, told in derived:
        if told.of not in found:
            raise FolderFault(f"{folder.path}: there is no dialect {told.of!r}")
        found[folder.name] = _checked(told.make(found[told.of]), folder)
    return found


def _checked(dialect: object, folder: Folder) -> Dialect:
    if not isinstance(dialect, Dialect):
        raise FolderFault(f"{folder.path}: `DIALECT` is not a dialects.Dialect")
    wrong = _faults(dialect, folder.name)
    if wrong:
        raise FolderFault(f"{folder.path}: {'; '.join(wrong)}")
    return dialect


def _faults(dialect: Dialect, folder: str) -> list[str]:
    wrong: list[str] = []
    if dialect.name != folder:
        wrong.append(f"the record says {dialect.name!r}, the folder {folder!r}")
    names = [(operation.name, operation.surface) for operation in dialect.operations]
    if len(set(names)) != len(names):
        wrong.append("two operations have one name on the surface")
    if not names:
        wrong.append("no operation")
    for operation in dialect.operations:
        if operation.name == "chat" and operation.codec is None:
            wrong.append("its chat has no codec")
        if not dialect.surface.bases:
            if operation.codec is None and operation.shape is None:
                wrong.append(f"{operation.name}: without a surface and a translation nobody could ask for it")
        elif operation.stored is None and _is_unreadable(operation):
            wrong.append(f"{operation.name}: without canonical form and texts nobody could look at its content")
    return wrong


def _is_unreadable(operation: Operation) -> bool:
    looks = (operation.codec, operation.read_request, operation.texts, operation.read_form)
    return all(one is None for one in looks)
