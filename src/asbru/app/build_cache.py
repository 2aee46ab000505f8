"""What keeps replies, from a snapshot: the stores and who shares them.

Not here: what makes two requests the same (`cache`), and when a kept reply is used (`pipeline.caching`).
"""

from functools import partial

from asbru.app.lasting import Lasting
from asbru.app.snapshot import Snapshot
from asbru.cache import Flights, MemoryStore, Store
from asbru.cache.sql import TieredStore
from asbru.pipeline.caching import Caching, Meaning
from asbru.pipeline.internal import InternalCalls
from asbru.telemetry import Meter, names


def caching(snapshot: Snapshot, lasting: Lasting) -> Caching | None:
    """What keeps replies, as before; None where it is off, and then what was kept in memory is forgotten."""
    settings, memory = snapshot.cache, lasting.cache_memory
    memory.limit(settings.bytes_max if settings.enabled else 0)
    if not settings.enabled:
        lasting.cache_stores.turn_off(settings, bytes.fromhex(snapshot.pepper.reveal()))
        return None
    if lasting.cache is None:
        lasting.cache = Caching(memory, Flights(lasting.loop.call_later, lasting.loop.call_soon))
        _count_cache(lasting.cache, memory, lasting.meter)
    lasting.cache.store = _store(snapshot, lasting)
    lasting.cache.configure(settings, _meaning(snapshot, lasting))
    lasting.cache_stores.turn_on(settings)
    return lasting.cache


def _store(snapshot: Snapshot, lasting: Lasting) -> Store:
    """Where entries are kept. Beside Redis none are kept in memory: gateways share it, and one may clear it."""
    settings, memory = snapshot.cache, lasting.cache_memory
    if settings.store == "redis":
        memory.limit(0)
        return lasting.cache_stores.entries(settings, bytes.fromhex(snapshot.pepper.reveal()))
    shared = lasting.shared_cache if settings.store == "sql" else None
    if shared is None:
        return memory
    shared.bytes_max = settings.sql_bytes_max
    return TieredStore(memory, shared)


def _meaning(snapshot: Snapshot, lasting: Lasting) -> Meaning | None:
    """What finds questions in other words, as before; None where it is off."""
    if snapshot.cache.semantic.mode == "off":
        lasting.meaning = None
        return None
    store = lasting.cache_stores.vectors(snapshot.cache, bytes.fromhex(snapshot.pepper.reveal()))
    if lasting.meaning is None:
        lasting.meaning = Meaning(InternalCalls(lasting.dialects["openai_chat"]), store)
    lasting.meaning.vectors = store
    return lasting.meaning


def _count_cache(cache: Caching, memory: MemoryStore, meter: Meter) -> None:
    for result in cache.counts:
        meter.count_by(names.CACHE_CALLS, partial(cache.counts.__getitem__, result), (result,))
    meter.count_by(names.CACHE_SAVED, lambda: cache.saved_nanousd)
    meter.count_by(names.CACHE_EVICTED, lambda: memory.evicted)
    meter.gauge(names.CACHE_ENTRIES, lambda: len(memory))
    meter.gauge(names.CACHE_BYTES, lambda: memory.bytes)
