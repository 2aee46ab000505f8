"""The whole data plane in one process without a socket: a snapshot's rooms, a door, callers and scripted providers.

Time stands still unless the test turns it, chance is zero, and everything runs in the test's own stack.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, cast

import msgspec
import pytest
from tests.fakes.loops import FakeLoop, FakeTransport

from asbru.app.build import build_rooms, declare
from asbru.app.lasting import Lasting
from asbru.app.snapshot import KeyFacts, ProviderFacts, Snapshot
from asbru.cluster import Entries
from asbru.core.secret_text import SecretText
from asbru.dialects import Dialect, discover
from asbru.edge import door
from asbru.edge.door import Door
from asbru.edge.router import Router
from asbru.edge.server import Server, ServerConnection, ServerLimits
from asbru.edge.surfaces import routes_of
from asbru.governance import VIRTUAL_KEY, digest_of, write_virtual_key
from asbru.pipeline.passthrough import PREFIX
from asbru.records import COLUMNS, RecordWriter
from asbru.routing import RetryPolicy
from asbru.telemetry import Meter
from asbru.upstream import Origin, TlsContexts, pool
from asbru.upstream.connection import UpstreamConnection

PEPPER = b"pepper"
KEY = "sk-asb-test"
TURNS_MAX = 200

Script = bytes | Exception | tuple[bytes, ...]
"""What a provider does with one request: answers, refuses or resets, or sends pieces and hangs up."""


def declared(keys: Mapping[str, Sequence[str]]) -> Entries:
    """The feed's entries for virtual keys `sk-asb-NAME` and the models they allow, as the compile step makes them."""
    names = {digest_of(f"sk-asb-{name}".encode(), PEPPER): name for name in keys}
    return {VIRTUAL_KEY: {digest: write_virtual_key(name, keys[name]) for digest, name in names.items()}}


def provider(name: str, dialect: str = "openai_chat", **changed: Any) -> ProviderFacts:
    """A provider at its own host, with one key and no pauses."""
    facts: dict[str, Any] = {
        "name": name,
        "kind": "custom",
        "dialect": dialect,
        "base_url": f"http://{name}.test/v1",
        "keys": (KeyFacts(name=f"{name}-1", value=SecretText(f"secret-{name}-1")),),
        "operations": ("chat", "completions", "embeddings", "models")
        if dialect == "openai_chat"
        else ("chat", "count_tokens", "models"),
        "retries": RetryPolicy(max=2, pause_initial_s=0.0, pause_max_s=0.0),
        "known_models": ("m",),
        **changed,
    }
    return ProviderFacts(**facts)


def answer(status: int, body: bytes, *lines: bytes, content_type: bytes = b"application/json") -> bytes:
    """A provider's whole answer."""
    head = b"HTTP/1.1 %d X\r\ncontent-type: %b\r\ncontent-length: %d\r\n" % (status, content_type, len(body))
    return head + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


class Recorder:
    """Keeps records as dictionaries."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, row: tuple[Any, ...]) -> None:
        self.rows.append(dict(zip((column.name for column in COLUMNS), row, strict=True)))


class Caller:
    """One connection of a caller to the door."""

    def __init__(self, inside: Inside) -> None:
        self.inside = inside
        self.transport = FakeTransport(ServerConnection(inside.server))

    @property
    def answer(self) -> bytes:
        """Everything the caller got."""
        return self.transport.written

    @property
    def status(self) -> int:
        """The status of the first answer."""
        return int(self.answer[9:12])

    @property
    def body(self) -> bytes:
        """The body of the only answer, chunks joined."""
        head, _, body = self.answer.partition(b"\r\n\r\n")
        if b"chunked" not in head.lower():
            return body
        whole = b""
        while body:
            size, _, body = body.partition(b"\r\n")
            whole += body[: int(size, 16)]
            body = body[int(size, 16) + 2 :]
        return whole

    def header(self, name: bytes) -> bytes | None:
        """A header of the first answer."""
        head = self.answer.partition(b"\r\n\r\n")[0]
        lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
        return next((value.strip() for key, _, value in lines if key.lower() == name), None)


@cache
def every_dialect() -> Mapping[str, Dialect]:
    """The dialects that are found. They are records that nothing changes, and looking for them takes a while."""
    return MappingProxyType(discover())


@cache
def _usual_router() -> Router:
    return Router(routes_of(every_dialect().values()))


def _door(dialects: Mapping[str, Dialect], monkeypatch: pytest.MonkeyPatch) -> Door:
    """A door of its own, but for the table of routes: nothing changes it, and to build it is half of the set-up."""
    with monkeypatch.context() as only:
        if dialects is every_dialect():
            only.setattr(door, "routes_of", lambda _: ())
            only.setattr(door, "Router", lambda _: _usual_router())
        return Door(dialects.values(), lambda: False, lambda told: told(b""), "0.0")


class Inside:
    """See the module. `requests` are what providers were sent: (host, head and body). `keys` are virtual keys and what
    they allow; the snapshots given here need no pepper. `lasting`: what the builder is given besides (dialects, leases,
    stages)."""

    keys: Mapping[str, Sequence[str]] = MappingProxyType({"test": ("*",), "few": ("a/*",)})

    def __init__(self, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, **lasting: Any) -> None:
        self.loop = FakeLoop()
        self.recorder = Recorder()
        self.now_s = 1000.0
        lasting.setdefault("dialects", every_dialect())
        self.lasting = Lasting(
            cast("asyncio.AbstractEventLoop", self.loop), cast("RecordWriter", self.recorder), Meter(), **lasting
        )
        self.server = Server(
            cast("asyncio.AbstractEventLoop", self.loop),
            ServerLimits(),
            self.handle,
            header_prefixes=self.lasting.header_prefixes,
        )
        self.server.forward((PREFIX,))
        self.door = _door(self.lasting.dialects, monkeypatch)
        self.upstreams: list[tuple[str, FakeTransport]] = []
        self.requests: list[tuple[str, bytes]] = []
        self.scripts: dict[str, list[Script]] = {}
        self.pauses: list[float] = []
        self._read: dict[int, int] = {}
        monkeypatch.setattr(pool, "dial", self.dial)
        self.load(snapshot)

    def load(self, snapshot: Snapshot) -> None:
        """Serve by a snapshot, as a reload does."""
        snapshot = self.snapshot = msgspec.structs.replace(snapshot, pepper=SecretText(PEPPER.hex()))
        rooms = build_rooms(snapshot, self.lasting)
        for _ in declare(snapshot, declared(self.keys), self.lasting):
            pass
        rooms.clock = lambda: self.now_s
        rooms.chance = lambda: 0.0
        self.door.rooms = rooms
        self.door.cors_origins = frozenset(origin.encode() for origin in snapshot.cors_origins)

    def handle(self, request: Any, connection: Any) -> None:
        self.door.handle(request, connection)

    async def dial(
        self, origin: Origin, _: TlsContexts, make: Callable[[], UpstreamConnection]
    ) -> UpstreamConnection:
        connection = make()
        self.upstreams.append((origin.host, FakeTransport(connection)))
        return connection

    def script(self, name: str, *scripts: Script) -> None:
        """What the provider will do with its next requests."""
        self.scripts.setdefault(f"{name}.test", []).extend(scripts)

    def play(self) -> None:
        """Let everything happen that can happen."""
        for _ in range(TURNS_MAX):
            if not (self._turn_loop() | self._turn_upstreams()):
                return
        raise AssertionError("the play does not end")

    def _turn_loop(self) -> bool:
        moved = self.loop.busy
        self.loop.run_tasks()
        self.loop.run_soon()
        self.pauses += self.loop.run_timers()
        return moved

    def _turn_upstreams(self) -> bool:
        moved = False
        for host, transport in list(self.upstreams):
            read = self._read.get(id(transport), 0)
            if transport.closing and not transport.lost:
                transport.lose()
                moved = True
            elif len(transport.written) > read and self.scripts.get(host):
                self.requests.append((host, transport.written[read:]))
                self._read[id(transport)] = len(transport.written)
                self._act(transport, self.scripts[host].pop(0))
                moved = True
        return moved

    @staticmethod
    def _act(transport: FakeTransport, script: Script) -> None:
        if isinstance(script, Exception):
            transport.lose(script)
        elif isinstance(script, bytes):
            transport.receive(script)
        else:
            for piece in script:
                transport.receive(piece)
            transport.lose()

    def call(
        self, path: str, body: object = None, *lines: bytes, key: str | None = KEY, method: str = "POST"
    ) -> Caller:
        """One request from a new caller, played as far as it goes."""
        caller = Caller(self)
        data = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        auth = b"" if key is None else b"authorization: Bearer %b\r\n" % key.encode()
        caller.transport.receive(
            b"%b %b HTTP/1.1\r\nhost: h\r\n%b%bcontent-length: %d\r\n\r\n%b"
            % (method.encode(), path.encode(), auth, b"".join(line + b"\r\n" for line in lines), len(data), data)
        )
        self.play()
        return caller

    def chat(self, model: str, *, stream: bool = False, **members: object) -> Caller:
        """A chat call on the OpenAI surface."""
        messages = [{"role": "user", "content": "hi"}]
        return self.call("/v1/chat/completions", {"model": model, "messages": messages, "stream": stream, **members})
