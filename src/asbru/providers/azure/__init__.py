"""Azure (Microsoft Foundry): OpenAI's models in their dialect, Claude in Anthropic's, by the names of deployments; keys
of the resource, or applications of Entra ID (`credential`)."""

from asbru.core.traits import Traits
from asbru.providers.kit import Access, Provider

AUTH = "asbru.providers.azure.credential:make"
AUTH_WORDS = "`api-key`, or a token of Entra ID"

PROVIDER = Provider(
    name="azure",
    title="Azure (Microsoft Foundry)",
    access=(
        Access(
            dialect="openai_chat",
            auth=AUTH,
            auth_words=AUTH_WORDS,
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
        Access(dialect="openai_responses", auth=AUTH, auth_words=AUTH_WORDS),
        Access(
            dialect="anthropic_messages",
            auth=AUTH,
            auth_words=AUTH_WORDS,
            headers={"anthropic-version": "2023-06-01"},
            operations=("chat", "count_tokens"),
        ),
    ),
    docs_url="https://learn.microsoft.com/en-us/azure/foundry/openai/api-version-lifecycle",
    address_example="https://RESOURCE.openai.azure.com/openai/v1",
    key_forms=("a key of the resource", '{"tenant_id": ..., "client_id": ..., "client_secret": ...} of Entra ID'),
    env_key="AZURE_OPENAI_API_KEY",
    price_id="azure",
    vendor="azure.ai.openai",
    models_of=("openai", "anthropic"),
    traits=Traits(
        refuse_members=("reasoning_content", "reasoning_details"), reasoning_back="none", system_anywhere=True
    ),
)
