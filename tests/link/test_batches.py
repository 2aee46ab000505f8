"""Batches: in order, in a window, and again after a loss."""

from __future__ import annotations

from asbru.link import batches, frames


def made(backlog_bytes_max: int = 2**30) -> tuple[batches.Batches, list[int]]:
    """Batches, and the rows that were left at each acknowledgement."""
    left: list[int] = []
    one = batches.Batches("t", lambda: None, lambda: left.append(one.rows), backlog_bytes_max=backlog_bytes_max)
    return one, left


def sent(one: batches.Batches) -> list[int]:
    """Numbers of what may be sent now."""
    numbers: list[int] = []
    while frame := one.next_frame():
        numbers += [got.number for got in frames.FrameReader().feed(frame)]
    return numbers


def test_what_was_not_acknowledged_is_sent_again_in_order() -> None:
    """After a rewind everything that was not confirmed comes again, under its number, before what is new."""
    one, left = made()
    for _ in range(3):
        assert one.add(b"x", 10)
    assert sent(one) == [1, 2, 3]
    one.acknowledge(1)
    assert left == [20]
    assert one.add(b"x", 5)
    one.rewind()
    assert sent(one) == [2, 3, 4]
    one.acknowledge(4)
    assert (one.rows, left) == (0, [20, 0])


def test_a_frame_names_its_table() -> None:
    """A batch travels with its table's name and its payload as it was given."""
    one, _ = made()
    assert one.add(b"payload", 1)
    frame = one.next_frame()
    assert frame is not None
    assert frames.FrameReader().feed(frame) == [frames.Frame(frames.BATCH, 1, "t", b"payload")]


def test_the_window_bounds_what_is_unacknowledged() -> None:
    """A bookkeeper that acknowledges nothing is sent a window and no more, and the rest as it does."""
    one, _ = made()
    payload = bytes(batches.WINDOW_BYTES_MAX // 4)
    for _ in range(10):
        assert one.add(payload, 1)
    assert sent(one) == [1, 2, 3, 4]
    one.acknowledge(2)
    assert sent(one) == [5, 6]
    one.rewind()
    assert sent(one) == [3, 4, 5, 6]


def test_the_backlog_is_bounded_in_bytes() -> None:
    """What would exceed the backlog is not taken; acknowledged bytes are free again, and only once."""
    one, _ = made(backlog_bytes_max=1000)
    assert one.add(bytes(900), 1)
    assert not one.add(bytes(900), 1)
    assert one.rows == 1
    assert sent(one) == [1]
    one.rewind()
    assert sent(one) == [1]
    one.acknowledge(1)
    one.acknowledge(1)
    assert one.add(bytes(900), 1)
    assert not one.add(bytes(900), 1)
