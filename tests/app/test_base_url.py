"""What is said of a `base_url`, before and after asking the server."""

from __future__ import annotations

import pytest

from asbru.app.base_url import candidates, judge_path
from asbru.dialects import discover as dialects
from asbru.providers import discover as types


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions/", "https://api.openai.com/v1"),
        ("https://x.example/v1/completions", "https://x.example/v1"),
        ("https://x.example/v1/embeddings", "https://x.example/v1"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1"),
        ("https://x.example/v1/messages/count_tokens", "https://x.example/v1"),
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.anthropic.com/", "https://api.anthropic.com/v1"),
        ("https://api.groq.com/openai", "https://api.groq.com/openai/v1"),
    ],
)
def test_the_mended_url_is_named(url: str, root: str) -> None:
    """The URL of an operation, and one of a known host that stops too early, are errors that name the API root."""
    verdict = judge_path(url, types(), dialects())
    assert verdict is not None
    assert verdict[0] == "error"
    assert verdict[1].endswith(f" {root}")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://x.example/openai", "https://x.example/vx/"])
def test_a_missing_version_of_an_unknown_server_warns(url: str) -> None:
    """Some servers have none; the warning says how to find out."""
    verdict = judge_path(url, types(), dialects())
    assert verdict is not None
    assert verdict[0] == "warning"
    assert "`asbru config check --live`" in verdict[1]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://api.groq.com/openai/v1/",
        "https://x.example/v1beta/openai",
        "https://gateway.example/v1/account/openai",
        "https://x.example/v1/messages-api",
    ],
)
def test_an_api_root_is_fine(url: str) -> None:
    """A version anywhere in the path is enough, and a word that resembles an operation's is none."""
    assert judge_path(url, types(), dialects()) is None


def test_a_type_without_versions_does_not_miss_one() -> None:
    """Where servers of a type have none in their path, another address of the type need not have one either."""
    other = "https://bedrock-runtime.eu-west-1.amazonaws.com"
    usual = types()["bedrock"].base_url
    assert judge_path(other, types(), dialects(), usual) is None
    assert judge_path(other, types(), dialects(), "https://api.example/v1") is not None


def test_candidates_begin_with_the_likeliest() -> None:
    """A known host's own URL first, then the usual version below the path and below the host; each once."""
    assert list(candidates("https://x.example/a/", types())) == [
        "https://x.example/a/v1",
        "https://x.example/v1",
        "https://x.example",
    ]
    assert next(candidates("https://api.groq.com/v1", types())) == "https://api.groq.com/openai/v1"
    assert list(candidates("http://x.example", types())) == ["http://x.example/v1"]
