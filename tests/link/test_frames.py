"""Frames: round trip, split invariance, limits."""

from __future__ import annotations

import pytest

from asbru.link import frames

SENT = [
    frames.Frame(frames.HELLO, 1, "", b"me"),
    frames.Frame(frames.BATCH, 7, "Zeile", b"x" * 40),
    frames.Frame(frames.ACK, 2**40, "größe", b""),
]
WIRE = b"".join(frames.write_frame(*frame) for frame in SENT)


def test_any_cut_gives_the_same_frames() -> None:
    """Wherever the bytes are cut, the frames are the same."""
    for cut in range(len(WIRE) + 1):
        reader = frames.FrameReader()
        assert reader.feed(WIRE[:cut]) + reader.feed(WIRE[cut:]) == SENT


def test_byte_by_byte() -> None:
    """Single bytes add up to the same frames."""
    reader = frames.FrameReader()
    assert [frame for byte in WIRE for frame in reader.feed(bytes([byte]))] == SENT


def test_a_frame_over_the_limit_is_refused() -> None:
    """A length beyond the limit is an error before anything is held for it."""
    with pytest.raises(frames.FrameError, match="at most 10"):
        frames.FrameReader(10).feed(frames.write_frame(frames.BATCH, 1, "t", b"x" * 11)[:14])


def test_an_unknown_kind_is_refused() -> None:
    """A kind that nobody defined is an error."""
    with pytest.raises(frames.FrameError, match="kind 99"):
        frames.FrameReader().feed(frames.write_frame(99, 1))


def test_a_name_that_is_no_text_is_one_that_nobody_knows() -> None:
    """Bytes that are no UTF-8 make a name with replacement characters: it is refused as unknown, not as nonsense."""
    whole = frames.write_frame(frames.ASK, 1, "ab", b"x").replace(b"ab", b"a\xff")
    assert frames.FrameReader().feed(whole) == [frames.Frame(frames.ASK, 1, "a\ufffd", b"x")]
