"""Paths that may be passed through, those that could lead elsewhere, and those of known operations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.errors import BadRequest
from asbru.dialects import discover
from asbru.pipeline.passthrough.paths import check_path, known_operation

OPENAI = discover()["openai_chat"]

GOOD = [
    "models",
    "models/",
    "v2/voices/21m00/settings.json",
    "models/org%2Fname",
    "models/gpt-4o:free@1",
    "predictions;a=1",
    "images/%E2%82%AC",
    "a/.hidden/..b/c..",
    "search/100%25",
    "a%20b",
]
BAD = [
    "..",
    ".",
    "../admin",
    "a/../b",
    "a/./b",
    "a/..",
    "%2e%2e/admin",
    ".%2E/admin",
    "a%2f..%2fb",
    "a%2F%2e%2e%2Fb",
    "%252e%252e/admin",
    "%25252e%25252e/admin",
    "..;/admin",
    "..;x=1/admin",
    "..%3Fx/admin",
    "a/..%23",
    "%2e%2e%3b/admin",
    "/host/path",
    "a//b",
    "a%2f/b",
    "a%2F%2Fb",
    "a\\b",
    "..\\b",
    "a%5cb",
    "a%5C..%5Cb",
    "a%00b",
    "a%0d%0aHost:x",
    "a%09b",
    "a%20/..%20/b",
    "%20/a",
    "a b",
    "a#b",
    "a?b",
    "a%",
    "a%zz",
    "caf\xe9",
    "[::1]",
    "%25252525252525252e",
]


@pytest.mark.parametrize("path", GOOD)
def test_what_stays_below_the_base_url_passes(path: str) -> None:
    """Slashes, dots within names, encoded characters and a slash at the end are the provider's business."""
    check_path(path)


@pytest.mark.parametrize("path", BAD)
def test_what_could_lead_elsewhere_is_refused(path: str) -> None:
    """Steps upwards, empty segments, backslashes, control characters and their encodings, whoever decodes them."""
    with pytest.raises(BadRequest) as refused:
        check_path(path)
    assert refused.value.code == "path_not_allowed"


@given(st.text(alphabet="./%25eEfF;\\a2 ", max_size=24))
def test_no_reading_of_a_path_that_passes_leads_upwards(path: str) -> None:
    """However often it is decoded, and whatever is taken for a separator, no segment is a step."""
    from urllib.parse import unquote

    try:
        check_path(path)
    except BadRequest:
        return
    for _ in range(8):
        parts = path.replace("\\", "/").split("/")
        assert not {".", ".."} & {part.partition(";")[0].strip() for part in parts}
        path = unquote(path, "latin-1")


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        (b"POST", "chat/completions", "chat"),
        (b"POST", "embeddings", "embeddings"),
        (b"GET", "embeddings", None),
        (b"POST", "embeddings/", None),
        (b"POST", "Embeddings", None),
        (b"POST", "%65mbeddings", None),
        (b"POST", "v1/embeddings", None),
        (b"POST", "images/generation", None),
    ],
)
def test_a_known_operation_is_known_by_method_and_path(method: bytes, path: str, name: str | None) -> None:
    """Only as it is written: any other spelling is an unknown path, which asks for more rights."""
    known = known_operation(OPENAI, method, path)
    assert (known and known.operation.name) == name
