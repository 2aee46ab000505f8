"""Anthropic, asked in its own dialect."""

from asbru.providers.kit import ANTHROPIC_ACCESS, Provider

PROVIDER = Provider(
    name="anthropic",
    title="Anthropic",
    access=(ANTHROPIC_ACCESS,),
    docs_url="https://docs.anthropic.com/en/api/messages",
    base_url="https://api.anthropic.com/v1",
    env_key="ANTHROPIC_API_KEY",
    price_id="anthropic",
)
