"""The Anthropic surface: what an Anthropic SDK or Claude Code calls when its base URL is `/anthropic`.

`/v1/messages` also works at the root, where no OpenAI path is in its way.
"""

from __future__ import annotations

from asbru.edge.router import Route

_DIALECT = "anthropic_messages"

ROUTES = (
    *(
        route
        for base in ("/anthropic/v1", "/v1")
        for route in (
            Route(f"{base}/messages", "call", "anthropic.messages", dialect=_DIALECT, home="anthropic"),
            Route(
                f"{base}/messages/count_tokens",
                "call",
                "anthropic.count_tokens",
                operation="count_tokens",
                dialect=_DIALECT,
                home="anthropic",
            ),
        )
    ),
    Route(
        "/anthropic/v1/models",
        "models",
        "anthropic.models",
        methods=(b"GET", b"HEAD"),
        dialect=_DIALECT,
        home="anthropic",
    ),
    Route("/anthropic", "page", "root", methods=(b"GET", b"HEAD"), dialect=_DIALECT),
)
