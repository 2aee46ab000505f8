"""Anthropic, asked in its own dialect."""

import msgspec

from asbru.providers.kit import ANTHROPIC_ACCESS, Provider

PROVIDER = Provider(
    name="anthropic",
    title="Anthropic",
    access=(msgspec.structs.replace(ANTHROPIC_ACCESS, operations=(*ANTHROPIC_ACCESS.operations, "message_batches")),),
    docs_url="https://docs.anthropic.com/en/api/messages",
    base_url="https://api.anthropic.com/v1",
    env_key="ANTHROPIC_API_KEY",
    price_id="anthropic",
)
