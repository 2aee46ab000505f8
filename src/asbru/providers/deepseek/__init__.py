"""DeepSeek: the OpenAI dialect, where reasoning must return beside the tool calls that it led to, and Anthropic's."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="deepseek",
    title="DeepSeek",
    access=(
        Access(dialect="openai_chat", operations=("chat", "models")),
        Access(
            dialect="anthropic_messages",
            base_url="https://api.deepseek.com/anthropic/v1",
            auth="x-api-key",
            headers={"anthropic-version": "2023-06-01"},
            operations=("chat",),
        ),
    ),
    docs_url="https://api-docs.deepseek.com",
    base_url="https://api.deepseek.com",
    env_key="DEEPSEEK_API_KEY",
    price_id="deepseek",
    traits=Traits(
        refuse_members=("max_completion_tokens",),
        legacy_max_tokens=True,
        reasoning_back="reasoning_content",
        reasoning_stand_in=" ",  # https://github.com/NousResearch/hermes-agent/pull/18263
        tool_id_chars_max=0,
        efforts=("low", "medium", "high", "xhigh", "max"),
    ),
)
