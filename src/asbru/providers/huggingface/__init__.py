"""Hugging Face Inference Providers: a router to many providers, in the OpenAI dialect."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="huggingface",
    title="Hugging Face",
    access=(Access(dialect="openai_chat", operations=("chat", "models")),),
    docs_url="https://huggingface.co/docs/inference-providers/index",
    base_url="https://router.huggingface.co/v1",
    env_key="HF_TOKEN",
    traits=Traits(strip=frozenset(("store",)), legacy_max_tokens=True, tool_id_chars_max=0),
)
