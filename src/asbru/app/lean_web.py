"""FastAPI and uvicorn, imported without what the control process never uses; it imports this before either of them.

    pydantic 1            FastAPI looks for its models in each parameter of each route              2 MB
    validators            of the models of an OpenAPI document: made when it is first asked for     2 MB
    uvicorn's command     with click, reloading and processes of its own; logging by dictionaries   2 MB

Held back only where nobody has imported them before, as in tests, where there would be nothing to gain. Whoever imports
the last two later gets them.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import BaseModel

from asbru.core.folders import stand_ins

if TYPE_CHECKING:
    from fastapi import FastAPI
    from uvicorn.config import Config
    from uvicorn.server import Server

__all__ = ["Config", "FastAPI", "Server"]

_PYDANTIC_1 = "pydantic.v1"
_UNUSED = ("uvicorn.main", "logging.config")


@contextmanager
def _built_later() -> Generator[None]:
    """Models that are defined meanwhile get their validators when they are first used."""
    BaseModel.model_config["defer_build"] = True
    try:
        yield
    finally:
        del BaseModel.model_config["defer_build"]


if "fastapi" in sys.modules or "uvicorn" in sys.modules:  # too late: nothing to gain
    from fastapi import FastAPI
    from uvicorn.config import Config
    from uvicorn.server import Server
else:
    if _PYDANTIC_1 not in sys.modules:
        sys.modules[_PYDANTIC_1] = None  # pyright: ignore[reportArgumentType] -- how the import system is told of none
    with _built_later():
        from fastapi import FastAPI
    with stand_ins(*_UNUSED):
        from uvicorn.config import Config
        from uvicorn.server import Server
