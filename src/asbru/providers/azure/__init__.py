"""Azure (Microsoft Foundry): OpenAI's models in their dialect, Claude in Anthropic's, by the names of deployments."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="azure",
    title="Azure (Microsoft Foundry)",
    access=(
        Access(
            dialect="openai_chat",
            auth="api-key",
            operations=(
                "chat",
                "completions",
                "embeddings",
                "images",
                "image_edits",
                "speech",
                "transcriptions",
                "translations",
                "models",
            ),
        ),
        Access(
            dialect="anthropic_messages",
            auth="api-key",
            headers={"anthropic-version": "2023-06-01"},
            operations=("chat", "count_tokens"),
        ),
    ),
    docs_url="https://learn.microsoft.com/en-us/azure/foundry/openai/api-version-lifecycle",
    env_key="AZURE_OPENAI_API_KEY",
    price_id="azure",
    vendor="azure.ai.openai",
    models_of=("openai", "anthropic"),
    traits=Traits(reasoning_back="none", system_anywhere=True),
)
