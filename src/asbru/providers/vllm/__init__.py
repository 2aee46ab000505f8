"""vLLM: a server of one's own in the OpenAI dialect."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="vllm",
    title="vLLM",
    access=(
        Access(
            dialect="openai_chat",
            operations=("chat", "completions", "embeddings", "rerank", "transcriptions", "translations", "models"),
        ),
    ),
    docs_url="https://docs.vllm.ai/en/stable/serving/openai_compatible_server/",
    address_example="http://HOST:8000/v1",
    env_key="VLLM_API_KEY",
    keyless=True,
    traits=Traits(legacy_max_tokens=True, reasoning_back="reasoning", tool_id_chars_max=0, top_k=True),
)
