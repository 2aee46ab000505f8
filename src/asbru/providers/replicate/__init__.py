"""Replicate: images by predictions, for callers of the OpenAI surface."""

from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="replicate",
    title="Replicate",
    access=(Access(dialect="replicate", headers={"prefer": "wait=30"}, operations=("images",)),),
    docs_url="https://replicate.com/docs/reference/http",
    base_url="https://api.replicate.com/v1",
    env_key="REPLICATE_API_TOKEN",
    known_models=(
        "black-forest-labs/flux-schnell",
        "black-forest-labs/flux-dev",
        "black-forest-labs/flux-1.1-pro",
        "ideogram-ai/ideogram-v3-quality",
    ),
)
