"""The receipt of a writer."""

from __future__ import annotations

from asbru.core.chat import Raw
from asbru.dialects.openai_chat.receipt import Receipt


def test_a_receipt_holds_each_note_once_in_order() -> None:
    """Repeated notes count once; extra members are noted one by one."""
    receipt = Receipt()
    for _ in range(2):
        receipt.changed("b", "why")
        receipt.dropped_extra("", {"x": Raw(b"1")}, "gemini")
        receipt.dropped_extra("p", {"y": Raw(b"1")}, "")
    receipt.added("a", "because")
    assert [str(note) for note in receipt.notes] == [
        "changed b (why)",
        "dropped x (known to gemini only)",
        "dropped p.y (known to another dialect only)",
        "added a (because)",
    ]
