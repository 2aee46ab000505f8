"""What the processes that stay do not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
        "zoneinfo",
        "difflib",
    }
    assert module == "worker" or not loaded & {"inspect", "_hashlib", "_ssl"}


_CONTROL = """
import asyncio, sys
from asbru.app.control import Control

async def application():
    return Control({"data-dir": sys.argv[1]}, asyncio.get_running_loop(), {}).application()

routes = asyncio.run(application()).routes
print(*sys.modules)
"""


def test_the_control_process_loads_what_its_routes_use_when_they_do(tmp_path: Path) -> None:
    """An application with all its routes has loaded neither the path of a call nor a dialect, an older pydantic, a
    command line or YAML: together 15 MB."""
    ran = subprocess.run([sys.executable, "-c", _CONTROL, tmp_path], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "fastapi" in loaded and "uvicorn.server" in loaded
    unused = (
        "pydantic.v1.main",
        "click",
        "uvicorn.main",
        "logging.config",
        "multiprocessing",
        "yaml",
        "cryptography",
    )
    paths = ("asbru.pipeline", "asbru.edge.server", "asbru.dialects.openai_chat", "asbru.providers.openai")
    assert not loaded & {*unused, *paths}


def test_the_compile_process_loads_no_http_client_of_the_price_data() -> None:
    """Prices are compiled from data that is installed; nothing fetches newer ones."""
    loaded = _loaded("import sys, asbru.app.compile_process; print(*sys.modules)")
    assert "genai_prices.data" in loaded
    assert not loaded & {"httpx2", "httpx", "genai_prices.update_prices"}


def test_what_the_control_process_holds_back_can_be_had_later() -> None:
    """Modules that were stood in for are the real ones for whoever imports them later; models are built at once."""
    code = (
        "import asbru.app.control, logging.config, uvicorn.main; from pydantic import BaseModel\n"
        "class M(BaseModel): x: int\n"
        "print(logging.config.dictConfig.__name__, uvicorn.main.run.__name__, M.__pydantic_complete__)"
    )
    assert _loaded(code) == {"dictConfig", "run", "True"}


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
