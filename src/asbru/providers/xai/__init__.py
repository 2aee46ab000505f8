"""xAI (Grok): the OpenAI dialect without the penalties, and reasoning efforts for some of its models only."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="xai",
    title="xAI",
    access=(Access(dialect="openai_chat", operations=("chat", "images", "image_edits", "models")),),
    docs_url="https://docs.x.ai/developers/api-reference",
    base_url="https://api.x.ai/v1",
    env_key="XAI_API_KEY",
    price_id="x-ai",
    vendor="x_ai",
    traits=Traits(strip=frozenset(("presence_penalty", "frequency_penalty")), tool_id_chars_max=0),
)
