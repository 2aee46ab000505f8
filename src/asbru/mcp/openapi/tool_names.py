"""Names of tools from names of operations: what MCP and all model APIs take, unique in a document."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

CHARS_MAX: Final = 64
_SUFFIX_CHARS: Final = 6
_OTHERS: Final = re.compile(r"[^a-zA-Z0-9]+")


class ToolNames:
    """Gives each operation a name. The first of two that meet keeps it; the other gets a suffix made from its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """The name for an operation that is called `wanted`."""
        plain = wanted if re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_-]*", wanted) else _OTHERS.sub("_", wanted).strip("_")
        name = plain[:CHARS_MAX] or "operation"
        number = 0
        while name in self._taken or (number == 0 and len(plain) > CHARS_MAX):
            suffix = sha256(f"{wanted}{number or ''}".encode()).hexdigest()[:_SUFFIX_CHARS]
            name = f"{plain[: CHARS_MAX - _SUFFIX_CHARS - 1]}_{suffix}"
            number += 1
        self._taken.add(name)
        return name
