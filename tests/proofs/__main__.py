"""The proofs in full, at most ten minutes: `make proofs`. Writes `build/proofs.json`; exit code 1 where a bar is not
kept. What each of them does stands in its own file; a shorter form of each runs in `make test`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from tests.proofs.budget import prove_budget
from tests.proofs.cache import prove_cache
from tests.proofs.faults import prove_faults
from tests.proofs.feed import prove_feed
from tests.proofs.guardrails import prove_guardrails
from tests.proofs.overload import overload
from tests.proofs.rates import prove_rate
from tests.proofs.rows import Row
from tests.proofs.secrets import prove_secrets

PROOFS: tuple[Callable[[], Coroutine[Any, Any, Sequence[Row]]], ...] = (
    lambda: prove_budget(callers=500, amount_nanousd=1_000_000_000),
    lambda: prove_rate("requests", amount=60, window_s=60, windows=3),
    lambda: prove_rate("tokens", amount=60_000, window_s=60, windows=3),
    lambda: prove_faults(paused_s=30.0, locked_s=5.0),
    lambda: _in_folder(prove_feed),
    lambda: _in_folder(lambda folder: overload(folder, "queue")),
    lambda: _in_folder(lambda folder: overload(folder, "drop")),
    lambda: _in_folder(prove_cache),
    prove_guardrails,
    prove_secrets,
)
OUT = Path("build/proofs.json")


async def _in_folder(proof: Callable[[Path], Coroutine[Any, Any, Sequence[Row]]]) -> Sequence[Row]:
    with TemporaryDirectory() as folder:
        return await proof(Path(folder))


def main() -> int:
    """Run them one after the other."""
    rows: list[Row] = []
    for proof in PROOFS:
        for row in asyncio.run(proof()):
            rows.append(row)
            sys.stdout.write(
                f"{'holds' if row.holds else 'FAILS'}  {row.experiment}: {row.figure:g} {row.unit} ({row.bar})\n"
            )
            sys.stdout.flush()
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode({"rows": rows}), indent=1))
    return 0 if all(row.holds or row.timed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
