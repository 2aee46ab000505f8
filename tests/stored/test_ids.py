"""Sealed ids: one for each object, and none that anybody could make up."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.stored import ObjectIds, ObjectRef
from asbru.stored.ids import ID_CHARS_MAX, OBJECT_ID_CHARS_MAX

REF = ObjectRef("file", "openai", "file-abc123", "main", "research")
IDS = ObjectIds([b"k" * 32])


def test_an_id_reads_alike_every_time() -> None:
    """Clients compare ids; another process with the same key writes the same one."""
    assert IDS.seal(REF) == IDS.seal(REF) == ObjectIds([b"k" * 32]).seal(REF)


@given(st.builds(ObjectRef, *[st.text(max_size=30)] * 5))
def test_what_is_sealed_opens(ref: ObjectRef) -> None:
    """Whatever its parts are, in an alphabet that neither URLs nor SDKs stumble over, and of bounded length."""
    sealed = IDS.seal(ref)
    assert IDS.open(sealed) == ref
    assert re.fullmatch(r"asbru_[A-Za-z0-9_-]+", sealed)


def test_what_would_not_open_is_not_sealed() -> None:
    """A provider's id of few characters and many bytes."""
    with pytest.raises(ValueError, match="longer than 1024 characters"):
        IDS.seal(msgspec.structs.replace(REF, object_id="\N{GRINNING FACE}" * 250))


def test_nothing_of_it_can_be_read() -> None:
    """Names of providers, keys and owners are not told to whoever sees an id."""
    assert not any(part in IDS.seal(REF) for part in msgspec.structs.astuple(REF))


def test_an_id_that_was_changed_does_not_open() -> None:
    """Forged, cut, longer, another spelling of the same bytes, or no id at all."""
    sealed = IDS.seal(REF)
    body = sealed.removeprefix("asbru_")
    for at in range(len(body)):
        other = "A" if body[at] != "A" else "B"
        assert IDS.open(f"asbru_{body[:at]}{other}{body[at + 1 :]}") is None
        assert IDS.open(f"asbru_{body[:at]}") is None
    for text in (
        "",
        "asbru_",
        "file-abc123",
        body,
        f"{sealed}=",
        f"{sealed}A",
        f"{sealed}\n",
        sealed.upper(),
        "asbru_\xe9",
    ):
        assert IDS.open(text) is None
    assert IDS.open("asbru_" + "A" * ID_CHARS_MAX) is None


def test_another_key_opens_nothing_and_an_older_one_does() -> None:
    """The first key seals; what an earlier one sealed opens as long as it is among them."""
    new = ObjectIds([b"n" * 32])
    assert new.open(IDS.seal(REF)) is None
    both = ObjectIds([b"n" * 32, b"k" * 32])
    assert both.open(IDS.seal(REF)) == REF and both.seal(REF) == new.seal(REF)


def test_the_longest_id_is_bounded() -> None:
    """A provider's own id that is too long is refused; all names at their longest still fit."""
    longest = ObjectRef("batch", "p" * 64, "o" * OBJECT_ID_CHARS_MAX, "k" * 128, "v" * 128)
    assert len(IDS.seal(longest)) <= ID_CHARS_MAX
    with pytest.raises(ValueError, match="characters"):
        IDS.seal(msgspec.structs.replace(REF, object_id="o" * (OBJECT_ID_CHARS_MAX + 1)))
