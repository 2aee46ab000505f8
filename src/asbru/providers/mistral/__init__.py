"""Mistral AI: the OpenAI dialect, read strictly: a member that it does not know is refused with 422. Speech has a form
of its own."""

from asbru.core.traits import Addressing, StoredWords, Traits
from asbru.providers.kit import STORED, Access, Provider

_BATCH = "/batch/jobs/{batch_id}"
_WORDS = StoredWords(
    asked={"input_file_id": "input_files"},
    hours="timeout_hours",
    told={
        "input_files": "input_file_id",
        "output_file": "output_file_id",
        "error_file": "error_file_id",
        "started_at": "in_progress_at",
    },
    listed=("input_files",),
    counts={"total": "total_requests", "completed": "succeeded_requests", "failed": "failed_requests"},
    error="errors",
    statuses={
        "QUEUED": "validating",
        "RUNNING": "in_progress",
        "SUCCESS": "completed",
        "TIMEOUT_EXCEEDED": "expired",
        "CANCELLATION_REQUESTED": "cancelling",
    },
)
"""https://docs.mistral.ai/api/endpoint/batch"""

PROVIDER = Provider(
    name="mistral",
    title="Mistral AI",
    access=(
        Access(
            dialect="openai_chat",
            operations=("chat", "embeddings", "moderations", "ocr", "transcriptions", "models", *STORED),
            addressing=Addressing(
                paths={"batches": "/batch/jobs", "batches.read": _BATCH, "batches.cancel": f"{_BATCH}/cancel"},
                stored=_WORDS,
            ),
        ),
        Access(dialect="mistral", operations=("speech",)),
    ),
    docs_url="https://docs.mistral.ai/api",
    base_url="https://api.mistral.ai/v1",
    env_key="MISTRAL_API_KEY",
    price_id="mistral",
    vendor="mistral_ai",
    traits=Traits(
        strip=frozenset(("store", "service_tier", "stream_options", "user")),
        refuse_members=("max_completion_tokens", "reasoning_content"),
        ask_stream_usage=False,
        legacy_max_tokens=True,
        reasoning_back="thinking",
        tool_id_chars=9,
        efforts=("none", "high"),
    ),
)
