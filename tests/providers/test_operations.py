"""What models are for, as data: every file holds, and a provider's own entries come first."""

from __future__ import annotations

from asbru.catalog.listing import operations_for
from asbru.dialects import discover as dialects
from asbru.providers import discover
from asbru.providers.mock import PROVIDER as MOCK
from asbru.providers.operations import Purposes, purposes, purposes_at


def test_every_file_is_of_a_provider() -> None:
    """And gives the operations of models that it has."""
    known = purposes()
    assert {"openai", "anthropic", "mistral"} <= set(known) <= set(discover())
    assert ("text-embedding-*", ("embeddings",)) in known["openai"].entries


def test_what_chat_models_are_for_is_named_as_dialects_name_it() -> None:
    """A typing error would make a model good for nothing."""
    names = {operation.name for dialect in dialects().values() for operation in dialect.operations}
    later = {
        *("moderations", "rerank", "ocr", "images", "image_edits", "image_variations"),
        *("speech", "transcriptions", "translations"),
    }
    assert {name for told in purposes().values() for _, names in told.entries for name in names} <= names | later


def test_others_say_what_they_say_by_name_only() -> None:
    """A provider's own entries, then those of the others, but for one that fits every model, and for files that tell of
    their provider alone."""
    known = {
        "a": Purposes((("*", ("chat",)),)),
        "b": Purposes((("m", ("speech",)), ("*", ("images",)))),
        "mock": Purposes((("read", ("ocr",)),), own=True),
    }
    assert purposes_at("a", known) == (("*", ("chat",)), ("m", ("speech",)))
    assert purposes_at("c", known) == (("m", ("speech",)),)
    assert purposes_at("mock", known) == (("read", ("ocr",)), ("m", ("speech",)))


def test_every_model_of_the_mock_is_for_what_it_does() -> None:
    """Also with a fault; and none of them is for everything."""
    offered = next(access for access in MOCK.access if access.dialect == "openai_chat").operations
    entries = purposes()["mock"].entries
    for name in MOCK.known_models:
        for model in (name, f"{name}+cut-5"):
            assert set(operations_for(model, offered, entries)) < set(offered) - {"models"}
    assert operations_for("listen", offered, entries) == ("transcriptions", "translations")
    assert operations_for("vision", offered, entries) == ("chat", "completions")
