"""Any server that speaks the OpenAI or the Anthropic dialect: vLLM, Ollama, llama.cpp, another gateway.

`max_tokens` is the name that all of them know; `max_completion_tokens` some refuse (Mistral: 422). Ids of
tool calls may be long: some gateways carry signatures in them.
"""

from asbru.core.traits import Traits
from asbru.providers.kit import ANTHROPIC_ACCESS, IMAGES_AND_AUDIO, RESPONSES_ACCESS, STORED, Access, Provider

PROVIDER = Provider(
    name="custom",
    title="Custom (OpenAI- or Anthropic-compatible)",
    access=(
        Access(
            dialect="openai_chat",
            operations=(
                "chat",
                "completions",
                "embeddings",
                "moderations",
                "rerank",
                "ocr",
                *IMAGES_AND_AUDIO,
                "models",
                *STORED,
            ),
        ),
        RESPONSES_ACCESS,
        ANTHROPIC_ACCESS,
    ),
    keyless=True,
    vendor="",
    traits=Traits(legacy_max_tokens=True, tool_id_chars_max=0),
)
