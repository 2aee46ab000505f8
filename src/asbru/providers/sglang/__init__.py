"""SGLang: a server of one's own in the OpenAI dialect."""

from asbru.core.traits import Traits
from asbru.providers.kit import OPENAI_ACCESS, Provider

PROVIDER = Provider(
    name="sglang",
    title="SGLang",
    access=(OPENAI_ACCESS,),
    docs_url="https://docs.sglang.io/docs/basic_usage/openai_api_completions",
    env_key="SGLANG_API_KEY",
    keyless=True,
    traits=Traits(legacy_max_tokens=True, reasoning_back="reasoning_content", tool_id_chars_max=0),
)
