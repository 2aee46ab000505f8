"""For tests of fast ways beside a parser: every small wound of some bytes, so that both can be asked about each.

for data in wounds(GOOD, b"\\n"): assert fast(data) == slow(data)
"""

from __future__ import annotations

from collections.abc import Iterator

GONE_MAX = 3


def wounds(good: bytes, new: bytes) -> Iterator[bytes]:
    """`good` with `new` at every place, in place of up to three bytes there."""
    for at in range(len(good) + 1):
        for gone in range(GONE_MAX + 1):
            yield good[:at] + new + good[at + gone :]
