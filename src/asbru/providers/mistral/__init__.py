"""Mistral AI: the OpenAI dialect, read strictly: a member that it does not know is refused with 422."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="mistral",
    title="Mistral AI",
    access=(
        Access(
            dialect="openai_chat",
            operations=("chat", "embeddings", "moderations", "ocr", "transcriptions", "models"),
        ),
    ),
    docs_url="https://docs.mistral.ai/api",
    base_url="https://api.mistral.ai/v1",
    env_key="MISTRAL_API_KEY",
    price_id="mistral",
    vendor="mistral_ai",
    traits=Traits(
        strip=frozenset(("store", "service_tier", "stream_options", "user")),
        refuse_members=("max_completion_tokens", "reasoning_content"),
        ask_stream_usage=False,
        legacy_max_tokens=True,
        reasoning_back="thinking",
        tool_id_chars=9,
        efforts=("none", "high"),
    ),
)
