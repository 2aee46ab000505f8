"""Notes: a receipt that fits a header whatever it talks about."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from asbru.core.notes import NOTES_HEADER_BYTES_MAX, Note, write_notes_header

TEXT = st.text(max_size=200)


def test_notes_read_as_phrases() -> None:
    """Kind, field and reason in words, joined by semicolons, each once."""
    notes = [
        Note("dropped", "store", "groq refuses it"),
        Note("changed", "n"),
        Note("dropped", "store", "groq refuses it"),
    ]
    assert write_notes_header(notes) == b"dropped store (groq refuses it); changed n"


def test_no_notes_make_an_empty_value() -> None:
    """Nothing lost, nothing said."""
    assert write_notes_header([]) == b""


def test_a_long_receipt_is_cut_where_it_can_be_seen() -> None:
    """The value never exceeds its limit, and ends in dots when it was cut."""
    value = write_notes_header(Note("dropped", f"messages[{index}].name") for index in range(500))
    assert len(value) == NOTES_HEADER_BYTES_MAX
    assert value.endswith(b"...")


def test_a_receipt_at_the_limit_is_not_cut() -> None:
    """Exactly the limit fits."""
    field = "x" * (NOTES_HEADER_BYTES_MAX - len("dropped "))
    assert write_notes_header([Note("dropped", field)]) == b"dropped " + field.encode()


@given(st.lists(st.builds(Note, st.just("dropped"), TEXT, TEXT), max_size=20))
@example([Note("dropped", "a\r\nset-cookie: x=1", "\n\n")])
@example([Note("dropped", "".join(map(chr, range(256))))])
@example([Note("dropped", "\ud800\u2028\u0085")])
def test_nothing_in_a_note_can_end_the_header(notes: list[Note]) -> None:
    """Fields are named by callers: whatever they hold, the value is printable ASCII within the limit."""
    value = write_notes_header(notes)
    assert len(value) <= NOTES_HEADER_BYTES_MAX
    assert all(0x20 <= byte < 0x7F for byte in value)
