"""Facts per model: what the models that callers name most are known to take, as the providers' files have it."""

from __future__ import annotations

import pytest

from asbru.core.traits import Traits, resolve
from asbru.providers import discover

FOUND = discover()
UP_TO_MAX = ("low", "medium", "high", "xhigh", "max")


def of(provider: str, model: str) -> Traits:
    """The traits of a model without any configuration."""
    record = FOUND[provider]
    return resolve(record.traits, record.trait_rules, model)


@pytest.mark.parametrize(
    ("model", "thinking", "largest"),
    [
        ("claude-3-haiku-20240307", "none", 4096),
        ("claude-3-5-haiku-20241022", "none", 8192),
        ("claude-3-7-sonnet-latest", "budget", 64000),
        ("claude-opus-4-20250514", "budget", 32000),
        ("claude-opus-4-1", "budget", 32000),
        ("claude-sonnet-4-20250514", "budget", 64000),
        ("claude-haiku-4-5", "budget", 64000),
        ("claude-sonnet-4-5-20250929", "budget", 64000),
        ("claude-opus-4-5", "budget", 64000),
        ("claude-opus-4-6", None, 128000),
        ("claude-sonnet-4-6", None, 128000),
        ("claude-opus-4-7", "adaptive", 128000),
        ("claude-opus-4-8", "adaptive", 128000),
        ("claude-opus-5", None, 128000),
        ("claude-haiku-5-5", None, 128000),
        ("claude-opus-5-5", "adaptive", 128000),
        ("claude-fable-5-1", "adaptive", 128000),
        ("claude-of-tomorrow", None, 0),
    ],
)
def test_anthropic(model: str, thinking: str | None, largest: int) -> None:
    """How each generation is asked to think, and its largest output; nothing is said of a model not yet known."""
    traits = of("anthropic", model)
    assert (traits.thinking, traits.max_output_tokens) == (thinking, largest)


@pytest.mark.parametrize(
    ("model", "efforts"),
    [
        ("claude-haiku-4-5", ()),
        ("claude-sonnet-4-5", ()),
        ("claude-opus-4-5", ("low", "medium", "high")),
        ("claude-sonnet-4-6", ("none", "low", "medium", "high", "max")),
        ("claude-opus-4-8", ("none", *UP_TO_MAX)),
        ("claude-sonnet-5", ("none", *UP_TO_MAX)),
        ("claude-opus-5-5", UP_TO_MAX),
        ("claude-fable-5", UP_TO_MAX),
    ],
)
def test_efforts_of_anthropic(model: str, efforts: tuple[str, ...]) -> None:
    """Efforts by generation; those that always think have no `none`."""
    assert of("anthropic", model).efforts == efforts


@pytest.mark.parametrize(
    ("model", "thinking", "efforts", "largest"),
    [
        ("openai/gpt-4o", "none", (), 16384),
        ("openai/gpt-4o-mini-2024-07-18", "none", (), 16384),
        ("openai/gpt-4.1-nano", "none", (), 32768),
        ("openai/o1-mini", "none", ("low", "medium", "high"), 65536),
        ("openai/o3", None, ("low", "medium", "high"), 100000),
        ("openai/o4-mini-2025-04-16", None, ("low", "medium", "high"), 100000),
        ("openai/gpt-5", None, ("minimal", "low", "medium", "high"), 128000),
        ("openai/gpt-5-mini", None, ("minimal", "low", "medium", "high"), 128000),
        ("openai/gpt-5-chat-latest", "none", (), 16384),
        ("openai/gpt-5.1", None, ("none", "low", "medium", "high"), 128000),
        ("openai/gpt-5.5", None, ("none", "low", "medium", "high", "xhigh"), 128000),
        ("openai/gpt-of-tomorrow", None, (), 0),
        ("groq/llama-3.3-70b-versatile", "none", (), 32768),
        ("groq/meta-llama/llama-4-scout-17b-16e-instruct", "none", (), 8192),
        ("groq/openai/gpt-oss-120b", None, ("low", "medium", "high"), 65536),
        ("groq/qwen/qwen3-32b", None, ("none", "default"), 40960),
        ("groq/of-tomorrow", None, (), 0),
        ("azure/gpt-5", None, ("minimal", "low", "medium", "high"), 128000),
        ("azure/claude-haiku-4-5", "budget", (), 64000),
        ("azure/my-deployment", None, (), 0),
        ("fireworks/accounts/fireworks/models/glm-5p1", None, ("none", "high", "max"), 0),
        ("together/openai/gpt-oss-20b", None, ("low", "medium", "high"), 0),
        ("mistral/mistral-medium-latest", None, ("none", "high"), 0),
        ("mistral/mistral-of-tomorrow", None, ("none", "high"), 0),
        ("cerebras/gpt-oss-120b", None, ("low", "medium", "high"), 0),
        ("xai/grok-4.3", None, ("none", "low", "medium", "high"), 0),
        ("xai/grok-3", "none", (), 0),
        ("xai/grok-3-mini", None, ("low", "high"), 0),
        ("xai/grok-4-1-fast-reasoning", "none", (), 0),
        ("deepseek/deepseek-v4-pro", None, ("low", "medium", "high", "xhigh", "max"), 393216),
    ],
)
def test_openai_dialect(model: str, thinking: str | None, efforts: tuple[str, ...], largest: int) -> None:
    """Whether a model reasons, by which efforts, and its largest output; nothing is said of one not yet known."""
    provider, _, name = model.partition("/")
    traits = of(provider, name)
    assert (traits.thinking, traits.efforts, traits.max_output_tokens) == (thinking, efforts, largest)


@pytest.mark.parametrize(
    ("model", "old"),
    [
        ("mistral-medium", True),
        ("llama3.2:latest", True),
        ("gpt-4o", True),
        ("gpt-5-mini", False),
        ("openai/gpt-5.5", False),
        ("o3", False),
        ("openrouter/openai/o4-mini", False),
    ],
)
def test_custom_servers_know_max_tokens(model: str, old: bool) -> None:
    """The old name of the limit is the one that all servers know; OpenAI's reasoning models refuse it."""
    assert of("custom", model).legacy_max_tokens is old


@pytest.mark.parametrize(
    ("model", "reads"),
    [
        ("anthropic/claude-sonnet-4.6", True),
        ("claude-opus-4-8", True),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("openai/gpt-4o", False),
        ("llama3.2:latest", False),
    ],
)
def test_custom_servers_read_cache_marks_for_claude(model: str, reads: bool) -> None:
    """A Claude model behind a server of the OpenAI dialect is sent cache marks; other models are not."""
    assert of("custom", model).cache_marks is reads


@pytest.mark.parametrize(("model", "reads"), [("anthropic/claude-sonnet-4.5", True), ("openai/gpt-4o", False)])
def test_openrouter_reads_cache_marks_for_claude(model: str, reads: bool) -> None:
    """A Claude model behind OpenRouter caches only where the caller's marks stand."""
    assert of("openrouter", model).cache_marks is reads


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("llama-3.3-70b-versatile", ("image", "audio")),
        ("openai/gpt-oss-20b", ("image", "audio")),
        ("qwen/qwen3-32b", ("image", "audio")),
        ("meta-llama/llama-4-scout-17b-16e-instruct", ("audio",)),
        ("qwen/qwen3.6-27b", ("audio",)),
        ("of-tomorrow", ("audio",)),
    ],
)
def test_groq_reads_images_with_some_models(model: str, refused: tuple[str, ...]) -> None:
    """Images are refused only for models known to read text alone, not for the provider."""
    assert of("groq", model).refuse_inputs == refused


@pytest.mark.parametrize(("model", "only"), [("gpt-5", None), ("gpt-5.4-mini", "none"), ("gpt-5.6-terra", "none")])
def test_openai_reasons_beside_tools(model: str, only: str | None) -> None:
    """Since gpt-5.4 chat completions take tools with the effort `none` alone."""
    assert of("openai", model).effort_with_tools == only


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("anthropic/claude-opus-4-6", True),
        ("anthropic/claude-opus-4-8", False),
        ("anthropic/claude-opus-5-5", False),
        ("openai/gpt-4o", True),
        ("openai/o3-mini", False),
        ("openai/gpt-5-mini", False),
        ("openai/gpt-5-chat-latest", True),
    ],
)
def test_models_without_sampling(model: str, takes: bool) -> None:
    """Newer models refuse a temperature."""
    provider, _, name = model.partition("/")
    assert of(provider, name).sampling is takes


def test_mistral_takes_ids_of_nine_characters() -> None:
    """Ids of tool calls from other providers are replaced by digests of exactly that length."""
    assert of("mistral", "mistral-large-latest").tool_id_chars == 9
