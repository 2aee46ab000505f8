"""What one connection remembers."""

from __future__ import annotations

from asbru.core.chat import Raw
from asbru.pipeline.conversations import Remembered

ITEM = (Raw(b"x" * 100),)


def test_the_oldest_go_first_and_the_last_one_stays() -> None:
    """However large it is: a request that goes on from it has a bound of its own."""
    remembered = Remembered(250)
    for name in "abc":
        remembered.keep(name, ITEM)
    assert [remembered.find(name) is not None for name in "abc"] == [False, True, True]
    remembered.keep("d", ITEM * 10)
    assert [remembered.find(name) is not None for name in "abcd"] == [False, False, False, True]


def test_an_id_is_remembered_once() -> None:
    """Kept again it holds what was kept last, and its size is counted once; an empty conversation is one."""
    remembered = Remembered(250)
    for _ in range(5):
        remembered.keep("a", ITEM)
    remembered.keep("b", ())
    assert (remembered.find("a"), remembered.find("b"), remembered.find("c")) == (ITEM, (), None)
