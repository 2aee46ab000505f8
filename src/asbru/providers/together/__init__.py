"""Together AI: open models in the OpenAI dialect."""

from asbru.core.traits import Addressing, StoredWords, Traits
from asbru.providers.kit import STORED, Access, Provider

_WORDS = StoredWords(
    asked={"model": "model_id"},
    told={"model_id": "model", "job_deadline": "expires_at"},
    inside="job",
    error="error",
    times=("created_at", "completed_at", "expires_at"),
    purposes={"batch": "batch-api", "batch_output": "batch-generated"},
    file_name="file_name",
)
"""https://docs.together.ai/reference/batch-create, https://docs.together.ai/reference/upload-file"""

PROVIDER = Provider(
    name="together",
    title="Together AI",
    access=(
        Access(
            dialect="openai_chat",
            operations=(
                "chat",
                "completions",
                "embeddings",
                "rerank",
                "images",
                "speech",
                "transcriptions",
                "translations",
                "models",
                *STORED,
            ),
            addressing=Addressing(paths={"files": "/files/upload"}, stored=_WORDS),
        ),
    ),
    docs_url="https://docs.together.ai/docs/inference/openai-compatibility",
    base_url="https://api.together.ai/v1",
    env_key="TOGETHER_API_KEY",
    price_id="together",
    traits=Traits(legacy_max_tokens=True, tool_id_chars_max=0, top_k=True),
)
