"""The receipt of a writer."""

from __future__ import annotations

from asbru.core.chat import Raw
from asbru.dialects.receipt import Receipt

ONE = Raw(b"1")


def test_a_receipt_holds_each_note_once_in_order() -> None:
    """Repeated notes count once; members only the source knows are noted one by one."""
    receipt = Receipt("bridge", "gemini")
    for _ in range(2):
        receipt.changed("b", "why")
        receipt.foreign("", {"x": ONE})
        receipt.foreign("p", {"y": ONE, "z": ONE})
    receipt.added("a")
    assert [str(note) for note in receipt.notes] == [
        "changed b (why)",
        "dropped x (known to gemini only)",
        "dropped p.y (known to gemini only)",
        "dropped p.z (known to gemini only)",
        "added a",
    ]


def test_own_members_ride_along_and_foreign_ones_do_not() -> None:
    """What the writer's own dialect does not know is written back; of another dialect it is left out and noted."""
    receipt = Receipt("bridge", "bridge")
    assert receipt.riding("p", {"x": ONE}) == receipt.riding_thought("p", {"x": ONE}) == {"x": ONE}
    assert receipt.notes == ()
    receipt = Receipt("bridge")
    assert receipt.riding("p", {"x": ONE}) == {}
    assert [str(note) for note in receipt.notes] == ["dropped p.x (known to another dialect only)"]


def test_the_spelling_of_a_thought_is_no_loss() -> None:
    """Of a thinking part from another dialect only facts are named, not how it was spelled."""
    receipt = Receipt("bridge", "openai_chat")
    assert receipt.riding_thought("p", {"member": ONE, "format": ONE, "id": ONE}) == {}
    assert [note.field for note in receipt.notes] == ["p.id"]


def test_the_source_may_be_told_later() -> None:
    """A stream says with its first event whose words follow."""
    receipt = Receipt("bridge")
    assert not receipt.native
    receipt.reads("bridge")
    assert receipt.native
    receipt.reads("gemini")
    assert (receipt.native, receipt.source) == (False, "gemini")
