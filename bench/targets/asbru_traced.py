"""Asbru with tracing on, at a sampling ratio of 1 percent, exported over OTLP to a collector on the loopback."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.rig import say
from bench.targets.asbru import Asbru
from bench.targets.contract import Running

SAMPLE_RATIO = 0.01
_PATH = "/v1/traces"


class OtlpSink:
    """A collector in a thread of the benchmark: takes what is exported and keeps nothing but the count. What it costs
    is not the gateway's."""

    def __init__(self) -> None:
        self.requests = 0
        self._server: ThreadingHTTPServer | None = None

    def open(self) -> str:
        """Listen; returns the endpoint."""
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """One export; an empty reply says that all of it was taken."""
                self.rfile.read(int(self.headers["content-length"]))
                sink.requests += 1
                self.send_response(200 if self.path == _PATH else 404)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's own word
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}{_PATH}"

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class AsbruTraced(Asbru):
    """The same binary and load; only the measures that tracing has bars for."""

    name = "asbru_traced"
    measures = ("saturated", "5k")
    _endpoint = ""

    def start(self) -> Running:
        """With a collector first: one that is missing would cost other work than one that is there."""
        self._sink = OtlpSink()
        self._endpoint = self._sink.open()
        return super().start()

    def document(self) -> dict[str, object]:
        """The plain configuration, and tracing."""
        tracing = {"enabled": True, "endpoint": self._endpoint, "protocol": "http/protobuf"}
        return super().document() | {"tracing": tracing | {"sample_ratio": SAMPLE_RATIO}}

    def stop(self) -> None:
        """End the gateway, then the collector; says whether anything was traced at all."""
        super().stop()
        if self._endpoint:
            say(f"  {self.name}: the collector took {self._sink.requests} exports")
            self._sink.close()
            self._endpoint = ""
