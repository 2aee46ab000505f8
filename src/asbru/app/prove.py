"""The proof of a snapshot: what workers would build from it is built here first, and thrown away.

What no check foresaw would otherwise be refused by every worker, and by each that starts later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import msgspec

from asbru.app.build import build_forwards, build_rooms, declare, watched_headers
from asbru.app.config import ConfigPath
from asbru.app.lasting import Lasting
from asbru.app.snapshot import Snapshot, read_snapshot, write_snapshot
from asbru.telemetry import Meter

if TYPE_CHECKING:
    from asbru.cluster import Entries
    from asbru.records import RecordWriter


def prove(snapshot: Snapshot, declared: Entries) -> Iterator[tuple[ConfigPath, str]]:
    """Where the configuration has what cannot be served, and why; nothing if all can be."""
    whole = _why_not(snapshot, declared)
    if whole is None:
        return
    found = False
    for facts in snapshot.providers:
        why = _why_not(msgspec.structs.replace(snapshot, providers=(facts,), fallbacks=(), routing_rules=()), {})
        if why is None:
            continue
        found = True
        if not facts.base_url.isascii():
            why = "expected a base_url in ASCII; write an international name as `xn--...`"
        yield ("providers", facts.name), why
    if not found:
        yield (), whole


def _why_not(snapshot: Snapshot, declared: Entries) -> str | None:
    loop = asyncio.new_event_loop()
    try:
        lasting = Lasting(loop, cast("RecordWriter", None), Meter())
        read = read_snapshot(write_snapshot(snapshot))
        watched_headers(build_rooms(read, lasting))
        build_forwards(read, lasting)
        for _ in declare(read, declared, lasting):
            pass
    except Exception as error:  # noqa: BLE001 -- whoever wrote the configuration is told
        return f"it cannot be served by: {error}"
    finally:
        loop.close()
    return None
