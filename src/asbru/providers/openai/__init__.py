"""OpenAI, asked in its own dialect."""

import msgspec

from asbru.core.traits import Traits
from asbru.providers.kit import OPENAI_ACCESS, STORED, Provider

PROVIDER = Provider(
    name="openai",
    title="OpenAI",
    access=(msgspec.structs.replace(OPENAI_ACCESS, operations=(*OPENAI_ACCESS.operations, *STORED)),),
    docs_url="https://platform.openai.com/docs/api-reference",
    base_url="https://api.openai.com/v1",
    env_key="OPENAI_API_KEY",
    price_id="openai",
    traits=Traits(reasoning_back="none", system_anywhere=True),
)
