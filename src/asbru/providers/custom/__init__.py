"""Any server that speaks the OpenAI or the Anthropic dialect: vLLM, Ollama, llama.cpp, another gateway.

`max_tokens` is the name that all of them know; `max_completion_tokens` some refuse (Mistral: 422). Ids of
tool calls may be long: some gateways carry signatures in them.
"""

import msgspec

from asbru.core.traits import Traits
from asbru.providers.kit import ANTHROPIC_ACCESS, OPENAI_ACCESS, STORED, Provider

PROVIDER = Provider(
    name="custom",
    title="Custom (OpenAI- or Anthropic-compatible)",
    access=(
        msgspec.structs.replace(OPENAI_ACCESS, operations=(*OPENAI_ACCESS.operations, *STORED)),
        ANTHROPIC_ACCESS,
    ),
    keyless=True,
    vendor="",
    traits=Traits(legacy_max_tokens=True, tool_id_chars_max=0),
)
