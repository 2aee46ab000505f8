"""DeepSeek: the OpenAI dialect; reasoning must return beside the tool calls that it led to."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="deepseek",
    title="DeepSeek",
    access=(Access(dialect="openai_chat", operations=("chat", "models")),),
    docs_url="https://api-docs.deepseek.com",
    base_url="https://api.deepseek.com/v1",
    env_key="DEEPSEEK_API_KEY",
    price_id="deepseek",
    traits=Traits(
        refuse_members=("max_completion_tokens",),
        legacy_max_tokens=True,
        reasoning_back="reasoning_content",
        tool_id_chars_max=0,
        efforts=("low", "medium", "high", "xhigh", "max"),
    ),
)
