"""Any server that speaks the OpenAI or the Anthropic dialect: vLLM, Ollama, llama.cpp, another gateway."""

from asbru.providers.kit import ANTHROPIC_ACCESS, OPENAI_ACCESS, Provider

PROVIDER = Provider(
    name="custom",
    title="Custom (OpenAI- or Anthropic-compatible)",
    access=(OPENAI_ACCESS, ANTHROPIC_ACCESS),
    keyless=True,
)
