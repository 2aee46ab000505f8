"""What the cache of replies and guardrail rules did, as records have it."""

from asbru.records.kept.hits import GuardrailHits, read_guardrail_hits
from asbru.records.kept.use import CacheStep, CacheUse, read_cache_use

__all__ = ["CacheStep", "CacheUse", "GuardrailHits", "read_cache_use", "read_guardrail_hits"]
