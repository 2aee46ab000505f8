"""What the compile step needs of a provider's folder.

The one place where `providers.kit` meets configuration; calls nobody and reads no settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ProviderType:
    """A provider's facts before configuration. `base_url` None: the configuration must name it. `keyless`: works
    without a credential. `served_here`: the supervisor starts its server. `env_key`: where its key usually is.
    `price_id`: its name in the price data."""

    name: str
    dialect: str
    base_url: str | None = None
    auth: str = "bearer"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    operations: tuple[str, ...] = ("chat", "models")
    strip: tuple[str, ...] = ()
    refuse_inputs: tuple[str, ...] = ()
    ask_stream_usage: bool = True
    legacy_max_tokens: bool = False
    keyless: bool = False
    served_here: bool = False
    env_key: str | None = None
    price_id: str | None = None
    known_models: tuple[str, ...] = ()
    max_output_tokens: Mapping[str, int] = field(default_factory=dict[str, int])


ProviderTypes = Mapping[str, ProviderType]

_OPENAI_OPERATIONS = ("chat", "completions", "embeddings", "models")


def load_provider_types() -> dict[str, ProviderType]:
    """Every provider folder, by name. The folder `custom` appears once per dialect, under the dialect's name."""
    return {
        "openai": ProviderType(
            "openai",
            "openai_chat",
            "https://api.openai.com/v1",
            operations=_OPENAI_OPERATIONS,
            env_key="OPENAI_API_KEY",
            price_id="openai",
        ),
        "anthropic": ProviderType(
            "anthropic",
            "anthropic_messages",
            "https://api.anthropic.com/v1",
            auth="x-api-key",
            headers={"anthropic-version": "2023-06-01"},
            operations=("chat", "models", "count_tokens"),
            env_key="ANTHROPIC_API_KEY",
            price_id="anthropic",
        ),
        "groq": ProviderType(
            "groq",
            "openai_chat",
            "https://api.groq.com/openai/v1",
            strip=("store", "service_tier", "prompt_cache_key"),
            refuse_inputs=("image", "audio"),
            env_key="GROQ_API_KEY",
            price_id="groq",
        ),
        "mock": ProviderType(
            "mock",
            "openai_chat",
            operations=_OPENAI_OPERATIONS,
            keyless=True,
            served_here=True,
            known_models=("echo", "story", "tools"),
        ),
    }
