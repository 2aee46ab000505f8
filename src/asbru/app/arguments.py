"""Arguments of a process of ours: `--name value` pairs, as one of our processes writes them for another.

Not a command line for people (that is `cli`): no help, no abbreviations. argparse would cost each process, for as long
as it lives, a megabyte that it needs for a millisecond.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence


def read_arguments(
    argv: Sequence[str] | None, *, required: Collection[str], optional: Collection[str] = ()
) -> dict[str, str]:
    """The values by name, without the dashes before it; `argv` None: this process's own. Exit 2 says what is wrong."""
    words = list(sys.argv[1:] if argv is None else argv)
    found: dict[str, str] = {}
    while words:
        name, equals, value = words.pop(0).partition("=")
        name = name.removeprefix("--")
        if name not in required and name not in optional:
            raise _refusal(f"expected one of {', '.join(sorted({*required, *optional}))}, got {name!r}")
        if not equals:
            if not words:
                raise _refusal(f"--{name}: expected a value after it")
            value = words.pop(0)
        found[name] = value
    missing = [name for name in required if name not in found]
    if missing:
        raise _refusal(f"expected --{missing[0]} and its value")
    return found


def _refusal(why: str) -> SystemExit:
    sys.stderr.write(f"asbru: {why}\n")
    return SystemExit(2)
