"""A real bookkeeper and real workers on ports of their own, without a supervisor: to kill, pause and ask one by one.

Limits come in the feed's file, as the compile step writes them.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import msgspec
from tests.fakes.books import ENVIRONMENT, WAIT_S, Books
from tests.fakes.priced import HOST, NANOUSD_PER_TOKEN
from tests.fakes.waiting import wait

from asbru.app.paths import declared_file
from asbru.app.snapshot import KeyFacts, ProviderFacts, Snapshot, write_snapshot
from asbru.catalog import MatchClause, PricedModel
from asbru.cluster import write_entries
from asbru.core.money import MTOK, PriceRow
from asbru.core.secret_text import SecretText
from asbru.governance import VIRTUAL_KEY, digest_of
from asbru.governance.entries import OWNER, KeyEntry, LimitEntry, OwnerEntry
from asbru.governance.limits import Reservation
from asbru.storage import open_reader

PEPPER = b"family"
KEY = "sk-asb-family"


class Family:
    """See the module. `limits` are the team's, whose only key is KEY."""

    def __init__(
        self, upstream_port: int, limits: Sequence[LimitEntry], *, workers: int, store_away: str = "closed"
    ) -> None:
        self.books = Books()
        self._places = [_free_place() for _ in range(workers)]
        self.ports = [int(place.getsockname()[1]) for place in self._places]
        self.processes: list[subprocess.Popen[bytes]] = []
        price = PriceRow(0, NANOUSD_PER_TOKEN * MTOK, 0, 0, 0, 0, 0)
        provider = ProviderFacts(
            name="p",
            kind="custom",
            dialect="openai_chat",
            base_url=f"http://{HOST}:{upstream_port}/v1",
            keys=(KeyFacts(name="k", value=SecretText("sk-up")),),
            allow_loopback=True,
            prices=(PricedModel("m", MatchClause("starts_with"), (price,)),),
        )
        reservation = msgspec.convert({"store_away": store_away}, Reservation)
        snapshot = Snapshot(providers=(provider,), pepper=SecretText(PEPPER.hex()), reservation=reservation)
        self._snapshot = self.books.folder / "snapshot"
        self._snapshot.write_bytes(write_snapshot(snapshot))
        key = KeyEntry("caller", ("*",), owner_id="key/caller", parent="team/t")
        entries = {
            VIRTUAL_KEY: {digest_of(KEY.encode(), PEPPER): msgspec.msgpack.encode(key)},
            OWNER: {"team/t": msgspec.msgpack.encode(OwnerEntry("t", limits=tuple(limits)))},
        }
        declared_file(self._snapshot).write_bytes(write_entries(entries))

    def __enter__(self) -> Family:
        self.books.start()
        for index, port in enumerate(self.ports):
            command = [sys.executable, "-m", "asbru.app.worker", "--snapshot", str(self._snapshot)]
            command += ["--bookkeeper", str(self.books.socket), "--index", str(index), "--port", str(port)]
            with self.books.errors.open("ab") as errors:
                self.processes.append(subprocess.Popen(command, stderr=errors, env=ENVIRONMENT))
        for port in self.ports:
            wait(lambda port=port: _listens(port), "a worker listens", WAIT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            with contextlib.suppress(OSError):
                process.kill()
            process.wait(WAIT_S)
        for place in self._places:
            place.close()
        if kind is not None:
            sys.stderr.write(self.books.errors.read_text()[-4000:])
        self.books.__exit__()

    def kill(self, index: int) -> None:
        """kill -9 of a worker."""
        self.processes[index].send_signal(signal.SIGKILL)
        self.processes[index].wait(WAIT_S)

    def end(self, index: int) -> None:
        """SIGTERM to a worker, until it has ended."""
        self.processes[index].send_signal(signal.SIGTERM)
        self.processes[index].wait(WAIT_S)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """What the database answers."""
        database = open_reader(self.books.database)
        assert database is not None
        try:
            return database.run(query)
        finally:
            database.close()

    @property
    def held(self) -> int:
        """What workers that live hold, of all limits."""
        return int(self.ask("SELECT COALESCE(SUM(held), 0) FROM ledger_counts")[0][0])

    @property
    def spent(self) -> int:
        """What is booked as spent, of all limits."""
        return int(self.ask("SELECT COALESCE(SUM(spent), 0) FROM ledger_counts")[0][0])

    def booked(self, limit_id: str) -> int:
        """What is booked as spent of one limit."""
        return int(
            self.ask(f"SELECT COALESCE(SUM(spent), 0) FROM ledger_counts WHERE limit_key = '{limit_id}'")[0][0]
        )

    @property
    def lost(self) -> int:
        """What workers held that have died."""
        query = (
            "SELECT COALESCE(SUM(held), 0) FROM ledger_slices "
            "WHERE holder IN (SELECT holder FROM ledger_holders WHERE buried = 1)"
        )
        return int(self.ask(query)[0][0])


def chat(max_tokens: int, share: float = 1.0) -> bytes:
    """A request for so many tokens at most, of which a share will come out."""
    asked = {
        "model": "p/m",
        "max_tokens": max_tokens,
        "user": f"{share:.6f}",
        "messages": [{"role": "user", "content": "hi"}],
    }
    body = json.dumps(asked).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {KEY}\r\n"
    return head.encode() + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _free_place() -> socket.socket:
    """A port that nobody else is given for as long as this is open; a worker shares it, since it does not listen."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    place.bind((HOST, 0))
    return place


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0
