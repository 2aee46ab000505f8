"""Cerebras: the OpenAI dialect, read strictly: a member that it does not know is refused with 400."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="cerebras",
    title="Cerebras",
    access=(Access(dialect="openai_chat", operations=("chat", "completions", "models")),),
    docs_url="https://inference-docs.cerebras.ai/resources/openai",
    base_url="https://api.cerebras.ai/v1",
    env_key="CEREBRAS_API_KEY",
    price_id="cerebras",
    traits=Traits(
        strip=frozenset(("store", "service_tier", "frequency_penalty", "presence_penalty")),
        refuse_members=("reasoning_content",),
        reasoning_back="reasoning",
        tool_id_chars_max=0,
    ),
)
