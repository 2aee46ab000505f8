"""What a provider does not offer cannot be configured: each place where it may be named, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.app.config import ConfigRefusedError
from asbru.app.listed import operations_of

PROVIDERS = """\
providers:
  openai: {keys: [{name: k, value: secret}]}
  anthropic: {keys: [{name: k, value: secret}]}
  mine: {dialect: openai, base_url: "https://x.example/v1"}
"""
EMBEDDINGS = "text-embedding-3-small"


def problems(tmp_path: Path, text: str) -> list[str]:
    """What is refused."""
    file = tmp_path / "asbru.yaml"
    file.write_text(PROVIDERS + text)
    try:
        compile_config(Options(tmp_path / "data", file), {}, dry=True)
    except ConfigRefusedError as refused:
        return [str(problem) for problem in refused.problems]
    return []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"models: {{e: anthropic/{EMBEDDINGS}}}",
            f"line 5: models.e: the provider 'anthropic' does not support embeddings, which {EMBEDDINGS} is for; it "
            "supports chat, count_tokens",
        ),
        (
            f"fallbacks: [{{from: openai/{EMBEDDINGS}, to: [anthropic/claude-haiku-4-5]}}]",
            f"line 5: fallbacks.0.to.0: openai/{EMBEDDINGS} is for embeddings, and anthropic/claude-haiku-4-5 for chat "
            "and count_tokens only",
        ),
        (
            f"fallbacks: [{{from: 'anthropic/*', to: [openai/{EMBEDDINGS}]}}]",
            f"line 5: fallbacks.0.to.0: anthropic/* is for chat and count_tokens, and openai/{EMBEDDINGS} for "
            "embeddings only",
        ),
        (
            f"routing_rules: [{{name: r, to: [{{provider: anthropic, model: {EMBEDDINGS}}}]}}]",
            "line 5: routing_rules.0.to.0: the provider 'anthropic' does not support embeddings",
        ),
        (
            "routing_rules: [{name: r, when: 'request_type == \"embeddings\"', to: [{provider: anthropic}]}]",
            "line 5: routing_rules.0.to.0: anthropic/* is not for embeddings, and the rule is for nothing else",
        ),
    ],
)
def test_what_could_only_be_refused(tmp_path: Path, text: str, said: str) -> None:
    """An alias, a fallback, a rule: refused where it stands, with what is offered."""
    [problem] = problems(tmp_path, text)
    assert problem.startswith(said)


def test_a_key_for_a_model_that_its_provider_cannot_serve(tmp_path: Path) -> None:
    """The models of a key, and what its aliases lead to."""
    file = tmp_path / "asbru.yaml"
    keys = f"{{name: k, value: s, models: [{EMBEDDINGS}], aliases: {{say: tts-1}}}}"
    file.write_text(f"providers:\n  anthropic: {{keys: [{keys}]}}\n")
    with pytest.raises(ConfigRefusedError) as refused:
        compile_config(Options(tmp_path / "data", file), {}, dry=True)
    said = [str(problem).partition(": ")[2].partition(": ")[0] for problem in refused.value.problems]
    assert said == ["providers.anthropic.keys.0.aliases.say", "providers.anthropic.keys.0.models.0"]


@pytest.mark.parametrize(
    "text",
    [
        f"models: {{e: openai/{EMBEDDINGS}, mine-too: mine/{EMBEDDINGS}}}",
        f"fallbacks: [{{from: openai/{EMBEDDINGS}, to: [mine/{EMBEDDINGS}, mine/any]}}]",
        "fallbacks: [{from: openai/gpt-4o, to: [anthropic/claude-haiku-4-5, mine/any]}]",
        "fallbacks: [{from: mine/any, to: [anthropic/claude-haiku-4-5]}]",
        "routing_rules: [{name: r, when: 'request_type != \"embeddings\"', to: [{provider: anthropic}]}]",
        'routing_rules: [{name: r, when: \'request_type == "chat" || model == "m"\', to: [{provider: anthropic}]}]',
    ],
)
def test_what_may_be_served_is_left_alone(tmp_path: Path, text: str) -> None:
    """Models that nothing is known of, other dialects, and rules that may hold for more."""
    assert problems(tmp_path, text) == []


def test_stored_objects_are_no_operation_of_a_model(tmp_path: Path) -> None:
    """Files and batches are offered by the provider; what a model can be asked for does not hold them."""
    file = tmp_path / "asbru.yaml"
    file.write_text(PROVIDERS)
    first = compile_config(Options(tmp_path / "data", file), {}, dry=True).snapshot.providers[0]
    assert "files" in first.offered
    assert "chat" in operations_of(first) and not {"files", "batches"} & set(operations_of(first))
