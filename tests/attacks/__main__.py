"""Attacks on a gateway that runs, at most fifteen minutes: `make attack`. Writes `build/attack.json`; exit code 1 where
a bar is not kept. `python -m tests.attacks NAME ...` runs those only.

Each is a module in `cases`, found there, with

    async def attack(folder: Path) -> Sequence[Row]       # `folder` is empty, and the attack's own
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from tests.attacks.rows import Row

CASES = Path(__file__).with_name("cases")
OUT = Path("build/attack.json")
ATTACK_S_MAX = 180.0


def names() -> list[str]:
    """The names of all attacks."""
    return sorted(path.stem for path in CASES.glob("*.py"))


async def run(name: str, folder: Path) -> Sequence[Row]:
    """The rows of one attack."""
    async with asyncio.timeout(ATTACK_S_MAX):
        return await import_module(f"tests.attacks.cases.{name}").attack(folder)


def main(asked: Sequence[str]) -> int:
    """Run them one after the other."""
    rows: list[Row] = []
    for name in asked or names():
        began_s = time.monotonic()
        with TemporaryDirectory() as folder:
            found = asyncio.run(run(name, Path(folder)))
        rows += found
        for row in found:
            says = "holds" if row.holds else "FAILS"
            sys.stdout.write(f"{says}  {row.attack}: {row.figure:g} {row.unit} ({row.bar})\n")
        sys.stdout.write(f"       {name} took {time.monotonic() - began_s:.0f} s\n")
        sys.stdout.flush()
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode({"rows": rows}), indent=1))
    return 0 if rows and all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
