"""What keeps replies, from a snapshot: the stores and who shares them.

Not here: what makes two requests the same (`cache`), and when a kept reply is used (`pipeline.caching`).
"""

from functools import partial

from asbru.app.lasting import Lasting
from asbru.app.snapshot import Snapshot
from asbru.cache import Flights, MemoryStore, SemanticSettings
from asbru.cache.sql import TieredStore
from asbru.pipeline.caching import Caching, Meaning
from asbru.pipeline.internal import InternalCalls
from asbru.telemetry import Meter, names


def caching(snapshot: Snapshot, lasting: Lasting) -> Caching | None:
    """What keeps replies, as before; None where it is off, and then what was kept is forgotten."""
    settings, memory = snapshot.cache, lasting.cache_memory
    memory.limit(settings.bytes_max if settings.enabled else 0)
    if not settings.enabled:
        return None
    if lasting.cache is None:
        lasting.cache = Caching(memory, Flights(lasting.loop.call_later, lasting.loop.call_soon))
        _count_cache(lasting.cache, memory, lasting.meter)
    shared = lasting.shared_cache if settings.store == "sql" else None
    if shared is not None:
        shared.bytes_max = settings.sql_bytes_max
    lasting.cache.store = memory if shared is None else TieredStore(memory, shared)
    lasting.cache.configure(settings, _meaning(settings.semantic, lasting))
    return lasting.cache


def _meaning(settings: SemanticSettings, lasting: Lasting) -> Meaning | None:
    """What finds questions in other words, as before; None where it is off."""
    if settings.mode == "off":
        lasting.meaning = None
        return None
    from asbru.cache.semantic.vectors import Vectors  # loads numpy

    if lasting.meaning is None:
        lasting.meaning = Meaning(InternalCalls(lasting.dialects["openai_chat"]), Vectors(settings.bytes_max))
    kept = lasting.meaning.vectors
    if isinstance(kept, Vectors):
        kept.bytes_max = settings.bytes_max
    return lasting.meaning


def _count_cache(cache: Caching, memory: MemoryStore, meter: Meter) -> None:
    for result in cache.counts:
        meter.count_by(names.CACHE_CALLS, partial(cache.counts.__getitem__, result), (result,))
    meter.count_by(names.CACHE_SAVED, lambda: cache.saved_nanousd)
    meter.count_by(names.CACHE_EVICTED, lambda: memory.evicted)
    meter.gauge(names.CACHE_ENTRIES, lambda: len(memory))
    meter.gauge(names.CACHE_BYTES, lambda: memory.bytes)
