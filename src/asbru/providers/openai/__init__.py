"""OpenAI, asked in its own dialects: chat, and Responses for callers of that."""

from asbru.core.traits import Traits
from asbru.providers.kit import IMAGES_AND_AUDIO, RESPONSES_ACCESS, STORED, Access, Provider

PROVIDER = Provider(
    name="openai",
    title="OpenAI",
    access=(
        Access(
            dialect="openai_chat",
            operations=("chat", "completions", "embeddings", "moderations", *IMAGES_AND_AUDIO, "models", *STORED),
        ),
        RESPONSES_ACCESS,
    ),
    docs_url="https://platform.openai.com/docs/api-reference",
    base_url="https://api.openai.com/v1",
    env_key="OPENAI_API_KEY",
    price_id="openai",
    traits=Traits(
        refuse_members=("reasoning_content", "reasoning_details"), reasoning_back="none", system_anywhere=True
    ),
)
