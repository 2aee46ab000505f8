"""The mock provider: a real HTTP server on loopback (`mock.server`) with deterministic answers."""

from asbru.providers.kit import ANTHROPIC_ACCESS, OPENAI_ACCESS, Provider

PROVIDER = Provider(
    name="mock",
    title="Mock",
    access=(OPENAI_ACCESS, ANTHROPIC_ACCESS),
    keyless=True,
    served_here=True,
    known_models=("echo", "story", "tools", "parallel", "json", "thinking", "vision", "embed"),
)
