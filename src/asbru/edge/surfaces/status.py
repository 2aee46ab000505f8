"""Pages about the gateway itself, open to whoever can reach the port: liveness, readiness, health, metrics.

/livez    200 while the process runs
/readyz   200 while it takes calls, 503 once it drains
/health   both, as JSON, with the version
/metrics  Prometheus text, summed over all workers
"""

from __future__ import annotations

from asbru.edge.router import Route

_GET = (b"GET", b"HEAD")

ROUTES = (
    Route("/", "page", "root", methods=_GET),
    *(Route(path, "page", path[1:], methods=_GET) for path in ("/livez", "/readyz", "/health", "/metrics")),
)
