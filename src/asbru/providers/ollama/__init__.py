"""Ollama: a server of one's own, or ollama.com, in the OpenAI dialect."""

from asbru.core.traits import Traits
from asbru.providers.kit import OPENAI_ACCESS, Provider

PROVIDER = Provider(
    name="ollama",
    title="Ollama",
    access=(OPENAI_ACCESS,),
    docs_url="https://docs.ollama.com/api/openai-compatibility",
    env_key="OLLAMA_API_KEY",
    keyless=True,
    traits=Traits(
        refuse_members=("max_completion_tokens", "reasoning_content"),
        legacy_max_tokens=True,
        reasoning_back="reasoning",
        tool_id_chars_max=0,
    ),
)
