"""Google's Gemini API (AI Studio), asked in its own dialect."""

from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="gemini",
    title="Google Gemini",
    access=(
        Access(
            dialect="gemini",
            auth="x-goog-api-key",
            operations=("chat", "count_tokens", "embeddings", "models"),
        ),
    ),
    docs_url="https://ai.google.dev/api",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    env_key="GEMINI_API_KEY",
    price_id="google",
    vendor="gcp.gemini",
)
