"""The OpenAI surface: what an OpenAI SDK calls when its base URL is `/v1` or `/openai/v1`."""

from __future__ import annotations

from asbru.edge.router import Route

_OPERATIONS = (
    ("chat/completions", "openai.chat", "chat"),
    ("completions", "openai.completions", "completions"),
    ("embeddings", "openai.embeddings", "embeddings"),
)

ROUTES = tuple(
    route
    for base in ("/v1", "/openai/v1")
    for route in (
        *(Route(f"{base}/{path}", "call", surface, operation=operation) for path, surface, operation in _OPERATIONS),
        Route(f"{base}/models", "models", "openai.models", methods=(b"GET", b"HEAD")),
    )
)
