"""Fireworks AI: open models in the OpenAI and the Anthropic dialect."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="fireworks",
    title="Fireworks AI",
    access=(
        Access(dialect="openai_chat", operations=("chat", "completions", "embeddings", "rerank", "models")),
        Access(dialect="anthropic_messages", headers={"anthropic-version": "2023-06-01"}, operations=("chat",)),
    ),
    docs_url="https://docs.fireworks.ai/tools-sdks/openai-compatibility",
    base_url="https://api.fireworks.ai/inference/v1",
    env_key="FIREWORKS_API_KEY",
    price_id="fireworks",
    traits=Traits(
        ask_stream_usage=False, legacy_max_tokens=True, reasoning_back="reasoning_content", tool_id_chars_max=0
    ),
)
