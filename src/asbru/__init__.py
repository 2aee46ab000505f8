"""Asbru: an AI gateway. One endpoint between applications or agents and every model provider.

Start reading at `edge/surfaces.py`, `pipeline/serve.py`, `pipeline/attempts.py` and `upstream/connection.py`;
`ARCHITECTURE.md` draws the layers. `Gateway` is the gateway inside an application (`asbru.library`); it is loaded when
it is first asked for, since the processes of a served gateway load little.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asbru.library import CallError, ConfigRefusedError, Gateway, Reply, Stream

__version__ = "0.1.0"

__all__ = ["CallError", "ConfigRefusedError", "Gateway", "Reply", "Stream", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'asbru' has no attribute {name!r}")
    from asbru import library

    return getattr(library, name)
