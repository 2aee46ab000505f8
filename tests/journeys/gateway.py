"""The gateway in the test's own loop: what a worker serves by, with records kept in memory.

    async with Gateway(openai(upstream), anthropic(upstream)) as gateway:
        answer = await gateway.call(CHAT_PATH, chat())
        row = gateway.row                                # the one record, by column name

Leaving asserts what every journey promises: no call in flight, no exchange open, no connection busy.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import msgspec
from tests.fakes.waiting import until
from tests.journeys.caller import HOST, KEY, Caller, UpstreamResponse, request

from asbru.app.build import build_forwards, build_rooms, declare, handed_headers, watched_headers
from asbru.app.lasting import Lasting
from asbru.app.snapshot import Fallback, KeyFacts, Limits, PrefixForward, ProviderFacts, Snapshot
from asbru.cluster import Entries
from asbru.core.secret_text import SecretText
from asbru.edge.door import Door
from asbru.edge.forward import Forwarder
from asbru.edge.mcp import PREFIXES as MCP_PREFIXES
from asbru.edge.server import Server
from asbru.edge.surfaces import PROBES
from asbru.governance import VIRTUAL_KEY, digest_of, write_virtual_key
from asbru.governance.standing import Standings
from asbru.pipeline.tools import Toolbox
from asbru.records.row import COLUMNS
from asbru.routing import RetryPolicy
from asbru.stored.responses import ResponseIndex
from asbru.telemetry import Meter
from asbru.upstream import ExchangeDeadlines

PEPPER = b"p" * 16
NAMES = tuple(column.name for column in COLUMNS)
OPERATIONS = ("chat", "completions", "embeddings", "models")


def allowed(*models: str) -> dict[str, bytes]:
    """The feed's entries for one virtual key, that of `caller.KEY`, allowed these models only."""
    return {digest_of(KEY.encode(), PEPPER): write_virtual_key("tester", models)}


def keys(*names: str) -> tuple[KeyFacts, ...]:
    """Provider keys `sk-NAME`."""
    return tuple(KeyFacts(name=name, value=SecretText(f"sk-{name}")) for name in names)


def openai(url: str, **changes: Any) -> ProviderFacts:
    """A provider of the OpenAI dialect, named `openai`, without pauses between retries."""
    facts = ProviderFacts(
        name="openai",
        kind="custom",
        dialect="openai_chat",
        base_url=f"{url}/v1",
        keys=keys("o1"),
        operations=OPERATIONS,
        allow_loopback=True,
        retries=RetryPolicy(max=0, pause_initial_s=0.0),
    )
    return msgspec.structs.replace(facts, **changes)


def anthropic(url: str, **changes: Any) -> ProviderFacts:
    """A provider of the Anthropic dialect, named `anthropic`."""
    facts = ProviderFacts(
        name="anthropic",
        kind="custom",
        dialect="anthropic_messages",
        base_url=f"{url}/v1",
        auth="x-api-key",
        headers={"anthropic-version": SecretText("2023-06-01")},
        keys=keys("a1"),
        operations=("chat", "count_tokens", "models"),
        allow_loopback=True,
        retries=RetryPolicy(max=0, pause_initial_s=0.0),
    )
    return msgspec.structs.replace(facts, **changes)


def retries(count: int) -> RetryPolicy:
    """So many retries, without pauses."""
    return RetryPolicy(max=count, pause_initial_s=0.0)


FAMILIES = {"gpt-*": "openai/*", "claude-*": "anthropic/*"}
"""What callers mean who name a model without a provider."""


def snapshot(*providers: ProviderFacts, **changes: Any) -> Snapshot:
    """A snapshot with the pepper of this gateway's virtual keys."""
    pepper = SecretText(PEPPER.hex())
    return Snapshot(**{"providers": providers, "pepper": pepper, "models": FAMILIES, **changes})


class Recorder:
    """Records in memory, as dicts by column name."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, row: tuple[object, ...]) -> None:
        """Keep a row."""
        assert len(row) == len(NAMES)
        self.rows.append(dict(zip(NAMES, row, strict=True)))


class Gateway:
    """See the module. `limits` are the snapshot's; the in-flight bound, pools and pages are as in a worker."""

    def __init__(
        self,
        *providers: ProviderFacts,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        virtual_keys: dict[str, bytes] | None = None,
        standings: Standings | None = None,
        response_index: ResponseIndex | None = None,
        tools: Toolbox | None = None,
        declared: Entries | None = None,
        **changes: Any,
    ) -> None:
        self._tools = tools
        self._entries = declared or {}
        self.snapshot = snapshot(*providers, limits=limits or Limits(), **changes)
        self.virtual_keys = allowed("*") if virtual_keys is None else virtual_keys
        self.port = 0
        self.recorder = Recorder()
        self._tls = tls
        self._standings = standings
        self._response_index = response_index

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Every record so far."""
        return self.recorder.rows

    @property
    def row(self) -> dict[str, Any]:
        """The one record."""
        assert len(self.rows) == 1, f"expected one record, got {len(self.rows)}: {self.rows}"
        return self.rows[0]

    async def __aenter__(self) -> Gateway:
        loop = asyncio.get_running_loop()
        self.lasting = Lasting(
            loop,
            self.recorder,
            Meter(),
            standings=self._standings,
            tools=self._tools,
            response_index=self._response_index,
        )
        self.door = Door(
            self.lasting.dialects.values(), lambda: self.server.draining, lambda told: told(b"metrics\n"), "0"
        )
        self.server = Server(
            loop,
            self.snapshot.limits,
            self.door.handle,
            header_prefixes=self.lasting.header_prefixes,
            knows=self.door.knows,
            probes=PROBES,
        )
        self.server.sweeps.append(self.lasting.sweep)
        self.swap(self.snapshot)
        self.port = await self.server.listen(HOST, 0, self._tls)
        return self

    def swap(self, snapshot: Snapshot) -> None:
        """Serve by another snapshot, as a worker does on a reload; chance always draws 0."""
        rooms = build_rooms(snapshot, self.lasting)
        rooms.chance = lambda: 0.0
        forwards = build_forwards(snapshot, self.lasting)
        for _ in declare(snapshot, {VIRTUAL_KEY: self.virtual_keys, **self._entries}, self.lasting):
            pass
        self.door.rooms = rooms
        self.door.forwarder = Forwarder(forwards)
        self.door.cors_origins = frozenset(origin.encode() for origin in snapshot.cors_origins)
        self.server.watch(watched_headers(rooms), handed_headers(rooms))
        self.server.forward((*forwards, *MCP_PREFIXES))
        self.server.limit(snapshot.limits)

    async def __aexit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                await self.settle()
        finally:
            self.server.close()
            if self.lasting.spans is not None:
                self.lasting.spans.close()
            for pool in self.lasting.pools.values():
                pool.close()
            await until(lambda: not self.server.connections, "the callers' connections are closed")

    async def settle(self) -> None:
        """Wait until nothing is under way; fails when something stays."""
        await until(lambda: not self.left_over(), "nothing is left over")

    def left_over(self) -> list[str]:
        """What is still under way."""
        found = [f"{self.lasting.load.in_flight} calls in flight"] if self.lasting.load.in_flight else []
        for pool in self.lasting.pools.values():
            if pool.busy_connections:
                found.append(f"{pool.origin}: {pool.busy_connections} busy connections")
            if pool.under_way():
                found.append(f"{pool.origin}: an open exchange")
            if pool._dialling:
                found.append(f"{pool.origin}: dialling")
        return found

    async def recorded(self, count: int = 1) -> list[dict[str, Any]]:
        """Every record, once there are `count`."""
        await until(lambda: len(self.rows) >= count, f"{count} records")
        return self.rows

    async def turn(self) -> None:
        """Let the loop read what has been sent so far, as a segment of its own."""
        for _ in range(3):
            await asyncio.sleep(0)

    def caller(self, **options: Any) -> Caller:
        """A caller's connection."""
        return Caller(self.port, **options)

    async def call(self, path: str, body: object = b"", **options: Any) -> UpstreamResponse:
        """One request on a connection of its own, answered whole."""
        async with self.caller() as caller:
            caller.send(request(path, body, **options))
            return await caller.answer(head_only=options.get("method") == "HEAD")

    async def refused(self, data: bytes) -> UpstreamResponse:
        """Bytes that must be answered with an error, after which the gateway closes."""
        async with self.caller() as caller:
            caller.send(data)
            answer = await caller.answer()
            assert answer.headers.get("connection") == "close"
            caller.writer.write_eof()  # else the gateway lingers, so that a slow sender can read its answer
            assert await caller.hung_up() == b""
            return answer


def fallback(source: str, *targets: str) -> tuple[Fallback, ...]:
    """When `source` fails, `targets`."""
    return (Fallback(source=source, targets=tuple(targets)),)


def forwards(prefix: str, path: str) -> tuple[PrefixForward, ...]:
    """A prefix that goes to a Unix socket."""
    return (PrefixForward(prefix=prefix, unix_socket=path),)


def deadlines(**seconds: float) -> ExchangeDeadlines:
    """Small deadlines where named."""
    return ExchangeDeadlines(**seconds)
