"""Cohere: its own dialect (v2), with chat, embeddings and rerank."""

from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="cohere",
    title="Cohere",
    access=(Access(dialect="cohere", operations=("chat", "embeddings", "rerank", "models")),),
    docs_url="https://docs.cohere.com/reference/about",
    base_url="https://api.cohere.com",
    env_key="COHERE_API_KEY",
    price_id="cohere",
)
