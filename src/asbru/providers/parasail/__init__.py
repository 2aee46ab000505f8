"""Parasail: open models in the OpenAI dialect."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="parasail",
    title="Parasail",
    access=(Access(dialect="openai_chat", operations=("chat", "models")),),
    docs_url="https://docs.parasail.io/parasail-docs/api-reference/authentication",
    base_url="https://api.parasail.io/v1",
    env_key="PARASAIL_API_KEY",
    traits=Traits(
        strip=frozenset(("store", "service_tier", "prompt_cache_key")), legacy_max_tokens=True, tool_id_chars_max=0
    ),
)
