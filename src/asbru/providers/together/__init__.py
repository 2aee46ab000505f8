"""Together AI: open models in the OpenAI dialect."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="together",
    title="Together AI",
    access=(
        Access(
            dialect="openai_chat",
            operations=(
                "chat",
                "completions",
                "embeddings",
                "rerank",
                "images",
                "speech",
                "transcriptions",
                "translations",
                "models",
            ),
        ),
    ),
    docs_url="https://docs.together.ai/docs/inference/openai-compatibility",
    base_url="https://api.together.ai/v1",
    env_key="TOGETHER_API_KEY",
    price_id="together",
    traits=Traits(legacy_max_tokens=True, tool_id_chars_max=0),
)
