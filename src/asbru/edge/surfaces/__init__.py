"""Surfaces: the paths that callers know, one file per API that is imitated. Tables, no code.

What a path means is `pipeline`'s business; how bytes arrive is `edge.server`'s.
"""

from asbru.edge.surfaces import anthropic, openai, status

ROUTES = (*openai.ROUTES, *anthropic.ROUTES, *status.ROUTES)

__all__ = ["ROUTES"]
