"""Nebius Token Factory: open models in the OpenAI dialect."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="nebius",
    title="Nebius Token Factory",
    access=(Access(dialect="openai_chat", operations=("chat", "completions", "embeddings", "images", "models")),),
    docs_url="https://docs.tokenfactory.nebius.com/api-reference/introduction",
    base_url="https://api.tokenfactory.nebius.com/v1",
    env_key="NEBIUS_API_KEY",
    traits=Traits(legacy_max_tokens=True, reasoning_back="reasoning_content", tool_id_chars_max=0),
)
