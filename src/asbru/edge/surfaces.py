"""Surfaces: the paths that callers know, worked out from what each dialect says of itself, and pages of our own.

    /         302 to the web UI where it is served
    /v1/key   what a virtual key may see of itself
    /passthrough/PROVIDER/PATH   any path of a provider
    /v1/mcp/tools/call   one call to a tool
    /mcp      tools of MCP servers; /mcp/NAME those of one server or group; /sse after either: by HTTP+SSE
    /livez    200 while the process runs
    /readyz   200 while it takes calls, 503 once it drains
    /health   both, as JSON, with the version
    /metrics  Prometheus text, summed over all workers

Tables, no code: what a path means is `pipeline`'s business, how bytes arrive is `edge.server`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from asbru.dialects import Dialect
from asbru.edge import mcp
from asbru.edge.router import Route
from asbru.mcp.protocol.dialect import MCP, TOOL
from asbru.pipeline import passthrough

_GET = (b"GET", b"HEAD")
_OWN_KEY = "/v1/key"
_STATUS_PAGES = ("/livez", "/readyz", "/health", "/metrics")

PROBES = frozenset((b"/livez", b"/readyz", b"/health"))
"""Pages that orchestrators and load balancers ask for, answered however many connections there are."""


def routes_of(dialects: Iterable[Dialect]) -> tuple[Route, ...]:
    """Every route, the dialects' and the status pages'. The pages speak the dialect whose root is "/"."""
    dialects = tuple(dialects)
    plain = next(dialect for dialect in dialects if dialect.surface.root == "/")
    return (
        *(route for dialect in dialects for route in _routes(dialect)),
        Route(passthrough.ROUTE, "passthrough", "passthrough", plain, passthrough.METHODS, passthrough.UNKNOWN),
        *(Route(path, "mcp", "mcp", MCP, mcp.METHODS, TOOL) for path in mcp.ROUTES),
        Route(mcp.CALL_ROUTE, "tool", "mcp.tool", plain, (b"POST",), TOOL),
        Route(_OWN_KEY, "key", "key", plain, _GET),
        *(Route(path, "page", path[1:], plain, _GET) for path in _STATUS_PAGES),
    )


def _routes(dialect: Dialect) -> Iterator[Route]:
    surface = dialect.surface
    if surface.root:
        yield Route(surface.root, "page", "root", dialect, _GET)
    for operation in dialect.operations:
        name = f"{surface.name}.{operation.surface}"
        kind = "call" if operation.stored is None else "object"
        for path in (
            *(f"{base}{path}" for base in surface.bases for path in operation.routes),
            *operation.bare_routes,
        ):
            yield Route(path, kind, name, dialect, operation.methods, operation)
    for base in surface.models_bases:
        for path in (f"{base}/models", f"{base}/models/{{model}}"):
            yield Route(path, "models", f"{surface.name}.models", dialect, _GET)
