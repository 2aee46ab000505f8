"""Notes as a header."""

from __future__ import annotations

from asbru.core.notes import NOTES_HEADER_BYTES_MAX, Note, write_notes_header


def test_notes_are_joined_once_in_ascii() -> None:
    """Each note stands once, in ASCII, and cannot break the header."""
    notes = [
        Note("dropped", "a", "why"),
        Note("changed", "b\r\nx: y"),
        Note("dropped", "a", "why"),
        Note("added", "ü"),
    ]
    assert write_notes_header(notes) == b"dropped a (why); changed b  x: y; added ?"


def test_the_header_has_a_limit() -> None:
    """Too many notes are cut with an ellipsis at the limit."""
    header = write_notes_header(Note("dropped", f"field{n}") for n in range(500))
    assert len(header) == NOTES_HEADER_BYTES_MAX
    assert header.endswith(b"...")
