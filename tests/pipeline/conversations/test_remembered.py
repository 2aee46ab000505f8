"""What one connection remembers."""

from __future__ import annotations

import sys

import msgspec

from asbru.core.chat import Raw
from asbru.pipeline.conversations import Remembered
from asbru.pipeline.conversations.remembered import ENTRY_BYTES

ITEM = (Raw(b"x" * 100),)
TWO = 2 * (100 + 2 * ENTRY_BYTES) + ENTRY_BYTES
"""Bytes for two conversations of one item, and an empty one."""


def test_the_oldest_go_first_and_the_last_one_stays() -> None:
    """However large it is: a request that goes on from it has a bound of its own."""
    remembered = Remembered(TWO)
    for name in "abc":
        remembered.keep(name, ITEM)
    assert [remembered.find(name) is not None for name in "abc"] == [False, True, True]
    remembered.keep("d", ITEM * 10)
    assert [remembered.find(name) is not None for name in "abcd"] == [False, False, False, True]


def test_an_id_is_remembered_once() -> None:
    """Kept again it holds what was kept last, and its size is counted once; an empty conversation is one."""
    remembered = Remembered(TWO)
    for _ in range(5):
        remembered.keep("a", ITEM)
    remembered.keep("b", ())
    assert (remembered.find("a"), remembered.find("b"), remembered.find("c")) == (ITEM, (), None)


def test_empty_conversations_are_bounded_too() -> None:
    """A caller may prepare one after the other on a connection that lasts."""
    remembered = Remembered(10 * ENTRY_BYTES)
    for number in range(50):
        remembered.keep(str(number), ())
    assert [remembered.find(str(number)) for number in range(50)] == [None] * 40 + [()] * 10


def test_a_request_is_not_kept_with_its_items() -> None:
    """An item is remembered, not the instructions and tools that it came with."""
    body = msgspec.json.encode({"input": [{"role": "user"}], "instructions": "x" * 1000})
    held = sys.getrefcount(body)
    remembered = Remembered()
    remembered.keep(
        "a", tuple(msgspec.json.decode(msgspec.json.decode(body, type=dict[str, Raw])["input"], type=list[Raw]))
    )
    assert remembered.find("a") == (Raw(b'{"role":"user"}'),) and sys.getrefcount(body) == held
