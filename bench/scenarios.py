"""What `bench.micro` counts: named scenarios, each a function that makes one call with nothing around it.

A scenario prepares itself once (outside the count: the same for every N, so it cancels out) and returns the
function to repeat. Real parsers and protocol objects, fake transports, no sockets, no clock in the loop.
"""

from collections.abc import Callable

from bench import payloads

Call = Callable[[], None]
SCENARIOS: dict[str, Callable[[], Call]] = {}


def scenario(build: Callable[[], Call]) -> Callable[[], Call]:
    """Registers a scenario under the name of its function."""
    SCENARIOS[build.__name__] = build
    return build


def bench_request() -> bytes:
    """The plain request of the benchmark as it stands on the wire."""
    body = payloads.body("bench/gpt-4o-mini", payloads.Shape())
    head = payloads.head("/v1/chat/completions", {})
    return head.replace(b"{KEY}", b"sk-asb-bench").replace(b"{LEN}", str(len(body)).encode()) + body


class _Sink:
    """Takes what llhttp hands out, as a server connection does, and counts to prove that it happened."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.complete = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header as spelled."""
        self.headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        """One piece of the body."""
        self.body.append(data)

    def on_message_complete(self) -> None:
        """The request is whole: forget it."""
        self.complete += 1
        self.headers.clear()
        self.body.clear()


@scenario
def llhttp_request() -> Call:
    """llhttp parses the request of the benchmark on a kept-alive connection: the floor under every call."""
    import httptools

    sink = _Sink()
    parser = httptools.HttpRequestParser(sink)
    request = bench_request()

    def call() -> None:
        parser.feed_data(request)

    call()
    if sink.complete != 1:
        raise RuntimeError("the request of the benchmark was not parsed as one request")
    return call
