"""The mock provider: a real HTTP server on loopback (`mock.server`) with deterministic answers."""

from asbru.providers.kit import ANTHROPIC_ACCESS, Access, Provider

PROVIDER = Provider(
    name="mock",
    title="Mock",
    access=(
        Access(
            dialect="openai_chat",
            operations=(
                *("chat", "completions", "embeddings", "moderations", "rerank", "ocr", "models"),
                *("images", "image_edits", "image_variations", "speech", "transcriptions", "translations"),
            ),
        ),
        ANTHROPIC_ACCESS,
    ),
    keyless=True,
    served_here=True,
    known_models=(
        *("echo", "story", "tools", "parallel", "json", "thinking", "vision"),
        *("embed", "moderate", "rank", "read", "paint", "speak", "listen"),
    ),
)
