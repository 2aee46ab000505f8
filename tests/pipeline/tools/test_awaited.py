"""What calls wait for: given here, or told to all workers; what nobody waits for is dropped."""

from __future__ import annotations

import msgspec
import pytest

from asbru.core.errors import Overloaded
from asbru.pipeline.tools import awaited
from asbru.pipeline.tools.awaited import Awaited, cancel_token


def test_what_is_waited_for_here_is_given_here() -> None:
    """And told to nobody else."""
    told: list[bytes] = []
    here = Awaited(told.append)
    future = here.expect("a")
    here.give("a", b"x")
    assert future.done and not told


def test_what_is_waited_for_elsewhere_is_told_to_all() -> None:
    """The worker that waits takes it; the others, and the one that told it, drop it."""
    told: list[bytes] = []
    one, two = Awaited(told.append), Awaited()
    future = two.expect("a")
    one.give("a", b"x")
    (message,) = told
    assert msgspec.msgpack.decode(message) == ["a", b"x"]
    one.on_told(message)
    two.on_told(message)
    assert future.done
    two.forget("a")
    two.on_told(message)


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused; what is forgotten makes room."""
    monkeypatch.setattr(awaited, "AWAITED_MAX", 1)
    here = Awaited()
    here.expect("a")
    with pytest.raises(Overloaded):
        here.expect("b")
    here.forget("a")
    here.expect("b")


def test_cancellations_are_of_one_caller_and_session() -> None:
    """Equal ids of others are other tokens."""
    tokens = {
        cancel_token(*told) for told in (("a", "s", b"1"), ("b", "s", b"1"), ("a", "t", b"1"), ("a", "s", b'"1"'))
    }
    assert len(tokens) == 4
