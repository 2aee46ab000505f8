"""Lists of models as providers send them."""

from __future__ import annotations

import pytest

from asbru.dialects.listed_models import MODELS_MAX, read_model_ids


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"object":"list","data":[{"id":"b"},{"id":"a","owned_by":"x"},{"id":"b"}]}', ("b", "a")),
        (b'[{"id":"a","type":"chat"}]', ("a",)),
        (b'{"data":[]}', ()),
        (b'{"error":{"message":"no"}}', None),
        (b'{"data":[{"name":"a"}]}', None),
        (b"<html>", None),
        (b"\xff", None),
        (b"[" * 10_000, None),
    ],
)
def test_names_are_read(body: bytes, names: tuple[str, ...] | None) -> None:
    """Each name once, in order, from an object or a bare array; None for anything else."""
    assert read_model_ids(body) == names


def test_a_list_has_a_bound() -> None:
    """No more names are kept than are of use."""
    body = b"[%b]" % b",".join(b'{"id":"%d"}' % n for n in range(MODELS_MAX + 1))
    assert len(read_model_ids(body) or ()) == MODELS_MAX
