"""Modules that are stood in for while a library loads."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from asbru.core.folders import stand_ins


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that imports a module of its own, and a name of it, as it loads."""
    (tmp_path / "lib_whole").mkdir()
    (tmp_path / "lib_whole" / "__init__.py").write_text("from lib_whole.heavy import Name\n")
    (tmp_path / "lib_whole" / "heavy.py").write_text("Name = 'the real one'\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in ("lib_whole", "lib_whole.heavy"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("library")
def test_a_module_that_is_stood_in_for_is_not_loaded() -> None:
    """The library loads, with None in the place of each name, and the module can be had afterwards."""
    with stand_ins("lib_whole.heavy"):
        library = import_module("lib_whole")
    assert library.Name is None and "lib_whole.heavy" not in sys.modules
    assert import_module("lib_whole.heavy").Name == "the real one"


@pytest.mark.usefixtures("library")
def test_a_module_that_was_loaded_stays() -> None:
    """Whoever has loaded it keeps it."""
    real = import_module("lib_whole.heavy")
    with stand_ins("lib_whole.heavy"):
        assert sys.modules["lib_whole.heavy"] is real
    assert sys.modules["lib_whole.heavy"] is real
