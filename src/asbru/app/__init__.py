"""Floor 7: the only builder. Configuration -> snapshot -> objects -> run -> reload -> close.

Kept free of imports: supervisor, workers, bookkeeper and control are separate processes, each of which loads only what
it needs.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asbru.app import (
        bookkeeper,
        boot,
        build,
        compile,  # noqa: A004  # a module, named for what it does
        config,
        data_dir,
        data_lock,
        defaults,
        lasting,
        lifeline,
        paths,
        snapshot,
    )

__all__ = [
    "bookkeeper",
    "boot",
    "build",
    "compile",
    "config",
    "data_dir",
    "data_lock",
    "defaults",
    "lasting",
    "lifeline",
    "paths",
    "snapshot",
]
