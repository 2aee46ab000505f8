"""Names of servers, tools and arguments as Python identifiers, and back.

A name that is one already stays; of the others each character that cannot be is `_`. Where two tools of a server meet
in one identifier, the one that had to be changed gets a suffix made from its own name, so that order does not matter.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_]")
_SUFFIX_CHARS: Final = 6
RESERVED: Final = frozenset(("result", "asyncio", "parallel", "print"))
"""What scripts use for something else."""


def identifier(name: str) -> str:
    """The identifier for a name."""
    found = _NOT_IN_NAMES.sub("_", name) or "_"
    if found[0].isdigit() or found.startswith("__"):
        found = f"t_{found.lstrip('_')}"
    if keyword.iskeyword(found) or keyword.issoftkeyword(found) or found in RESERVED:
        found += "_"
    return found


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """The identifier of each name to the name: unique, and the same whatever order the names come in."""
    found: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        several.setdefault(identifier(name), []).append(name)
    for one, those in several.items():
        for name in those:
            is_plain = len(those) == 1 or name == one
            found[one if is_plain else f"{one}_{sha256(name.encode()).hexdigest()[:_SUFFIX_CHARS]}"] = name
    return found
