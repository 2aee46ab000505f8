"""Groq: the OpenAI dialect without three of its fields, and images for some of its models only."""

from asbru.core.traits import Traits
from asbru.providers.kit import STORED, Access, Provider

PROVIDER = Provider(
    name="groq",
    title="Groq",
    access=(
        Access(
            dialect="openai_chat",
            operations=("chat", "speech", "transcriptions", "translations", "models", *STORED),
        ),
    ),
    docs_url="https://console.groq.com/docs/openai",
    base_url="https://api.groq.com/openai/v1",
    env_key="GROQ_API_KEY",
    price_id="groq",
    traits=Traits(
        strip=frozenset(("store", "service_tier", "prompt_cache_key")),
        refuse_inputs=("audio",),
        refuse_members=("reasoning_content",),
        reasoning_back="reasoning",
        system_anywhere=True,
    ),
)
