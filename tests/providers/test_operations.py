"""What models are for, as data: every file holds, and a provider's own entries come first."""

from __future__ import annotations

from asbru.dialects import discover as dialects
from asbru.providers import discover
from asbru.providers.operations import purposes, purposes_at


def test_every_file_is_of_a_provider() -> None:
    """And gives the operations of models that it has."""
    known = purposes()
    assert {"openai", "anthropic", "mistral"} <= set(known) <= set(discover())
    assert ("text-embedding-*", ("embeddings",)) in known["openai"]


def test_what_chat_models_are_for_is_named_as_dialects_name_it() -> None:
    """A typing error would make a model good for nothing."""
    names = {operation.name for dialect in dialects().values() for operation in dialect.operations}
    later = {
        *("moderations", "rerank", "ocr", "images", "image_edits", "image_variations"),
        *("speech", "transcriptions", "translations"),
    }
    assert {name for told in purposes().values() for _, names in told for name in names} <= names | later


def test_others_say_what_they_say_by_name_only() -> None:
    """A provider's own entries, then those of the others, but for one that fits every model."""
    known = {"a": (("*", ("chat",)),), "b": (("m", ("speech",)), ("*", ("images",)))}
    assert purposes_at("a", known) == (("*", ("chat",)), ("m", ("speech",)))
    assert purposes_at("c", known) == (("m", ("speech",)),)
