"""What a script may use, and what stops it."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

MODULES: Final = frozenset(("asyncio", "collections", "datetime", "itertools", "json", "math", "re", "typing"))
"""What may be imported; `asyncio` for `gather`, `typing` for annotations."""


class ScriptLimits(msgspec.Struct, frozen=True, kw_only=True):
    """`time_s`: of running, without the time that tools take. `call_s`: of each call of a tool; `total_s`: of all.
    `calls_max`: calls of tools; `parallel_max`: at the same time. `memory_bytes` of the script's values, `depth_max`
    of its calls; `printed_bytes_max`, `result_bytes_max` of what goes back to the model."""

    time_s: float = 30.0
    call_s: float = 30.0
    total_s: float = 300.0
    calls_max: int = 100
    parallel_max: int = 16
    memory_bytes: int = 128 * 1024 * 1024
    depth_max: int = 200
    code_bytes_max: int = 128 * 1024
    printed_bytes_max: int = 64 * 1024
    result_bytes_max: int = 256 * 1024


Kind: TypeAlias = Literal[
    "syntax", "import", "runtime", "time", "memory", "recursion", "output", "calls", "size", "crash", "busy"
]


class ScriptError(Exception):
    """Why a script ended. `kind`: which error or limit; `line`: of the script, 0 where it is not known; `text`: in
    words that a model can act on."""

    def __init__(self, kind: Kind, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.kind: Kind = kind
        self.text = text
        self.line = line
