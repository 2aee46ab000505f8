"""Other names of paths, by which tools that were set up for something else ask for the same routes.

    asked for                        route
    /litellm/PATH                    PATH, or /v1/PATH; so /langchain, /pydanticai, /cursor
    /openai/deployments/NAME/PATH    /v1/PATH of the model NAME: how the SDKs for Azure ask
    /openai/PATH                     /v1/PATH: so they ask for what names no model, or names it in its body

Nothing has its route here: a name leads to calls, stored objects and lists of models only, each with all that holds
for the route itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

PREFIXES: Final = (b"/litellm/", b"/langchain/", b"/pydanticai/", b"/cursor/")
_AZURE: Final = b"/openai/"
_DEPLOYMENTS: Final = b"deployments/"
_SEGMENTS_MAX: Final = 2
"""Of a path below a deployment: `chat/completions`."""
API_VERSION: Final = b"api-version"
"""The parameter of a query that Azure's SDKs send, about Azure's own API."""


class Named(NamedTuple):
    """A path that may be meant, and the model that stood in the path that was asked for, "" where none did."""

    path: bytes
    model: str = ""


def meant(path: bytes) -> Iterator[Named]:
    """What a tidy path may mean besides itself, the likeliest first."""
    for prefix in PREFIXES:
        if path.startswith(prefix):
            below = path[len(prefix) - 1 :]
            yield Named(below)
            yield Named(b"/v1" + below)
            return
    if not path.startswith(_AZURE):
        return
    below = path[len(_AZURE) :]
    if not below.startswith(_DEPLOYMENTS):
        yield Named(b"/v1/" + below)
        return
    segments = below[len(_DEPLOYMENTS) :].split(b"/")
    for count in range(min(_SEGMENTS_MAX, len(segments) - 1), 0, -1):
        model = unquote_to_bytes(b"/".join(segments[:-count])).decode("utf-8", "replace")
        yield Named(b"/v1/" + b"/".join(segments[-count:]), model)
