"""`python -m asbru.app.tools`: the tools process."""

from __future__ import annotations

import sys

import asbru.app.lean  # noqa: F401 -- before msgspec  # pyright: ignore[reportUnusedImport] -- see there
from asbru.app.tools.process import main

if __name__ == "__main__":
    sys.exit(main())
