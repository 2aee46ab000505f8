"""A collector of traces: a real server that takes OTLP over HTTP or gRPC, and keeps the spans in memory.

    with Collector() as collector:                    # or Collector("grpc")
        ... export to collector.endpoint ...
        spans = await collector.spans(2)              # in the order of arrival, once there are so many

`hold` makes it hang: requests are read and not answered until `release`. `refuse` answers with an error that no
exporter tries again. As the real one does, it refuses what is no request for traces.
"""

from __future__ import annotations

import threading
from concurrent import futures
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import grpc
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from tests.fakes.waiting import until

PATH = "/v1/traces"
WAIT_S = 30.0


@dataclass(frozen=True)
class Received:
    """One span. Ids are hex, `parent` is "" without one; `error` is the message of an error status, None without."""

    trace: str
    id: str
    parent: str
    name: str
    kind: Literal["server", "client"]
    attributes: dict[str, Any]
    error: str | None
    state: str
    start_ns: int
    end_ns: int
    events: list[str]
    resource: dict[str, Any]


class Collector:
    """See the module. `headers`: those of the last request, names in lower case."""

    def __init__(self, protocol: Literal["http/protobuf", "grpc"] = "http/protobuf") -> None:
        self.protocol = protocol
        self.headers: dict[str, str] = {}
        self.requests = 0
        self.refuse = False
        self._received: list[Received] = []
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._http: ThreadingHTTPServer | None = None
        self._grpc: grpc.Server | None = None
        self.endpoint = ""

    def __enter__(self) -> Collector:
        if self.protocol == "grpc":
            server = self._grpc = grpc.server(futures.ThreadPoolExecutor(4))
            add_TraceServiceServicer_to_server(_Service(self), server)
            port = server.add_insecure_port("127.0.0.1:0")
            server.start()
            self.endpoint = f"http://127.0.0.1:{port}"
        else:
            self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"collector": self}))
            self._http.daemon_threads = True
            threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
            self.endpoint = f"http://127.0.0.1:{self._http.server_address[1]}{PATH}"
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
        if self._grpc is not None:
            self._grpc.stop(0).wait()

    def hold(self) -> None:
        """Hang from now on."""
        self._may_answer.clear()

    def release(self) -> None:
        """Answer again, also what was held."""
        self._may_answer.set()

    async def spans(self, count: int) -> list[Received]:
        """All spans, once there are `count`."""
        await until(lambda: len(self._received) >= count, f"{count} spans", WAIT_S)
        return list(self._received)

    def take(self, request: ExportTraceServiceRequest, headers: dict[str, str]) -> bool:
        """Keep what came; whether it is accepted."""
        self.headers = headers
        self.requests += 1
        self._may_answer.wait(60)
        if self.refuse:
            return False
        for group in request.resource_spans:
            resource = _attributes(group.resource.attributes)
            self._received += [_received(span, resource) for scope in group.scope_spans for span in scope.spans]
        return True


class _Handler(BaseHTTPRequestHandler):
    collector: Collector

    def do_POST(self) -> None:
        """One export."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path != PATH or self.headers["content-type"] != "application/x-protobuf":
            self._answer(404, b"")
            return
        request = ExportTraceServiceRequest()
        try:
            request.ParseFromString(body)
        except DecodeError:
            self._answer(400, b"")
            return
        taken = self.collector.take(request, {name.lower(): value for name, value in self.headers.items()})
        self._answer(200 if taken else 400, ExportTraceServiceResponse().SerializeToString())

    def _answer(self, status: int, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            return  # whoever asked has hung up

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's own word
        """Say nothing."""


class _Service(TraceServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:  # noqa: N802 -- generated name
        """One export."""
        headers = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
        if not self._collector.take(request, headers):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "refused")
        return ExportTraceServiceResponse()


def _received(span: Any, resource: dict[str, Any]) -> Received:
    kinds: dict[int, Literal["server", "client"]] = {2: "server", 3: "client"}
    return Received(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=kinds[span.kind],
        attributes=_attributes(span.attributes),
        error=span.status.message if span.status.code == 2 else None,
        state=span.trace_state,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        events=[event.name for event in span.events],
        resource=resource,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    found = getattr(value, kind)
    return [_value(one) for one in found.values] if kind == "array_value" else found
