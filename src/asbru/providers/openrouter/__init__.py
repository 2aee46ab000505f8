"""OpenRouter: models of many providers behind one address, in the OpenAI dialect."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="openrouter",
    title="OpenRouter",
    access=(Access(dialect="openai_chat", operations=("chat", "completions", "embeddings", "rerank", "models")),),
    docs_url="https://openrouter.ai/docs/api/reference/overview",
    base_url="https://openrouter.ai/api/v1",
    env_key="OPENROUTER_API_KEY",
    price_id="openrouter",
    traits=Traits(tool_id_chars_max=0),
)
