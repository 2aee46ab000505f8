"""What the processes that stay do not load."""

from __future__ import annotations

import subprocess
import sys

import pytest


def _loaded(code: str) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


HEAVY = {"pydantic", "fastapi", "starlette", "uvicorn", "anyio", "opentelemetry", "yaml", "genai_prices", "click"}


@pytest.mark.parametrize("module", ["app.supervisor", "app.bookkeeper", "app.worker", "providers.mock.server"])
def test_heavy_libraries_stay_where_they_are_used(module: str) -> None:
    """What the compile and the control process need, no other process loads, nor any part of it."""
    assert (
        not {name.partition(".")[0] for name in _loaded(f"import sys, asbru.{module}; print(*sys.modules)")} & HEAVY
    )


@pytest.mark.parametrize("module", ["supervisor", "bookkeeper", "worker"])
def test_long_lived_processes_are_lean(module: str) -> None:
    """None of them loads what it would use once, or never: OpenSSL, for one, is only for workers."""
    loaded = _loaded(f"import sys, asbru.app.{module}; print(*sys.modules)")
    assert not loaded & {
        "argparse",
        "shutil",
        "dataclasses",
        "typing_extensions",
        "email",
        "brotli",
        "backports.zstd",
        "wsproto",
        "h11",
    }
    assert module == "worker" or not loaded & {"inspect", "_hashlib", "_ssl"}


def test_held_back_module_can_be_had_later() -> None:
    """typing_extensions is kept from msgspec only."""
    assert "typing_extensions" in _loaded("import sys, asbru.app.lean, typing_extensions; print(*sys.modules)")


def test_lean_msgspec_reads_what_is_declared() -> None:
    """Required and NotRequired, which msgspec would take from there, work with those of `typing`."""
    code = (
        "from asbru.app.lean import msgspec; from typing import Annotated, NotRequired, TypedDict\n"
        "T = TypedDict('T', {'a': NotRequired[int], 'b': Annotated[str, msgspec.Meta(max_length=3)]})\n"
        'print(*msgspec.json.decode(b\'{"b": "x"}\', type=T))'
    )
    assert _loaded(code) == {"b"}
