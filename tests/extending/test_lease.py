"""A ledger is one object given to the builder: it lets calls in, holds what they may cost, and is told what they did.

The store behind it answers later: the path waits for it without a Task.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Fallback, Snapshot
from asbru.core.errors import CallerError
from asbru.core.future import Future
from asbru.core.ports import ChunkSink, Sink
from asbru.pipeline import Attempt, Call
from asbru.routing import Target

GOOD = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
SNAPSHOT = Snapshot(
    providers=(provider("openai"), provider("other")),
    fallbacks=(Fallback(source="openai/m", targets=("other/m",)),),
)


class BudgetSpent(CallerError):
    """The refusal of this ledger."""

    status = 402
    code = "budget_spent"


class Ledger:
    """So many calls may run at a time; each holds one token for each target. The store answers when it is told to."""

    metered = 0

    def __init__(self, room: int) -> None:
        self.room = room
        self.asked: list[Future[None]] = []
        self.held: list[list[str]] = []
        self.settled: list[list[tuple[str, bool, int | None]]] = []

    async def admit(self, call: Call) -> Ledger:
        assert call.caller is not None and call.caller.name == "test"
        await self._store()
        if self.room <= 0:
            raise BudgetSpent("the budget of 'test' is spent", retry_after_s=60)
        self.room -= 1
        return self

    async def hold(self, call: Call, targets: Sequence[Target]) -> None:
        assert call.head is not None
        await self._store()
        self.held.append([str(target) for target in targets])

    def covers(self, call: Call, attempt: Attempt) -> bool:
        return False

    async def attempt(self, call: Call, attempt: Attempt) -> None:
        assert call.attempts[-1] is attempt and not attempt.sent

    def meter(self, call: Call, write: Sink, write_chunk: ChunkSink) -> tuple[Sink, ChunkSink]:
        assert call.attempts
        return write, write_chunk

    def settle(self, attempts: Sequence[Attempt]) -> None:
        self.room += 1
        self.settled.append(
            [(one.target.provider.name, one.billed, one.usage.total if one.usage else None) for one in attempts]
        )

    async def _store(self) -> None:
        future: Future[None] = Future()
        self.asked.append(future)
        await future


def answer_store(inside: Inside, ledger: Ledger) -> None:
    """The store answers all it was asked, and what that leads to."""
    while ledger.asked:
        ledger.asked.pop(0).resolve(None)
        inside.play()


def test_a_call_waits_for_its_lease_and_settles_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent before the store has answered; all targets are held; each attempt is told."""
    ledger = Ledger(1)
    inside = Inside(SNAPSHOT, monkeypatch, leases=ledger)
    inside.script("openai", *[answer(500, b"{}")] * 3)
    inside.script("other", answer(200, json.dumps(GOOD).encode()))
    caller = inside.chat("openai/m")
    assert not inside.requests and not caller.answer and not ledger.settled
    answer_store(inside, ledger)
    assert caller.status == 200
    assert ledger.held == [["openai/m", "other/m"]]
    assert ledger.settled == [[("openai", False, None)] * 3 + [("other", True, 5)]]
    assert ledger.room == 1


def test_a_refused_lease_is_a_refused_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger's own refusal reaches the caller, with nothing sent and nothing to settle."""
    ledger = Ledger(0)
    inside = Inside(SNAPSHOT, monkeypatch, leases=ledger)
    caller = inside.chat("openai/m")
    answer_store(inside, ledger)
    assert caller.status == 402 and caller.header(b"retry-after") == b"60"
    assert not inside.requests and not ledger.settled
    row = inside.recorder.rows[-1]
    assert (row["outcome"], row["error_code"], row["attempts"]) == ("refused", "budget_spent", 0)


@pytest.mark.parametrize("answers", [0, 1, 2], ids=["admitted", "held", "sent"])
def test_a_lease_is_settled_when_the_caller_goes(monkeypatch: pytest.MonkeyPatch, answers: int) -> None:
    """Wherever the path waits: a lease that was given is settled once, and what was sent is an unknown amount."""
    ledger = Ledger(1)
    inside = Inside(SNAPSHOT, monkeypatch, leases=ledger)
    caller = inside.chat("openai/m")
    for _ in range(answers):
        ledger.asked.pop(0).resolve(None)
        inside.play()
    caller.transport.lose()
    inside.play()
    expected = [[], [[]], [[("openai", True, None)]]][answers]
    assert ledger.settled == expected
    assert inside.recorder.rows[-1]["outcome"] == "cancelled"
