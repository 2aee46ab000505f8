"""Configuration text: duplicates, bounds, and what YAML is not allowed to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asbru.app.config import ConfigRefusedError, load_document, read_document
from asbru.app.config.file import CONFIG_BYTES_MAX


def refusal(text: str, *, is_json: bool = False) -> str:
    """Why a text is refused."""
    with pytest.raises(ConfigRefusedError) as refused:
        read_document(text, is_json=is_json)
    return str(refused.value)


def test_yaml_duplicates_are_named() -> None:
    """A key given twice is an error with the line of the second, however deep; the rest is read."""
    document = read_document("a: {b: 1, b: 2}\nc: 1\na: 3\n", is_json=False)
    assert [str(problem) for problem in document.problems] == [
        "line 1: a.b: duplicate key",
        "line 3: a: duplicate key",
    ]
    assert document.data == {"a": 3, "c": 1}


def test_json_duplicates_are_named() -> None:
    """JSON's silent last-one-wins is refused too."""
    document = read_document('{"a": {"b": 1, "b": 2}}', is_json=True)
    assert [str(problem) for problem in document.problems] == ["duplicate key 'b'"]


def test_merge_keys_work() -> None:
    """YAML's `<<` fills in what is not given."""
    document = read_document("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n", is_json=False)
    assert document.data["y"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 20_000,
        '{"a":' * 100_000,
        "a: &a [*a]",
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)),
    ],
    ids=["flow", "block", "json", "itself", "laughs"],
)
def test_depth_and_expansion_are_bounded(text: str) -> None:
    """Deep nesting, a list that holds itself and a billion laughs are refused, quickly."""
    for is_json in (False, True):
        refusal(text, is_json=is_json)


@pytest.mark.parametrize(
    "text", ["a: !!python/object/apply:os.system [x]", "a: !x 1", "a: [", "a: b: c", "\tx: 1", "? [a]\n: b"]
)
def test_bad_yaml_is_refused_with_its_line(text: str) -> None:
    """Syntax errors, unknown tags and keys that are not text are refused by line."""
    assert "line 1" in refusal(text)


@pytest.mark.parametrize("text", ["3", "[1]", "text"])
def test_document_must_be_a_mapping(text: str) -> None:
    """Anything but a mapping is refused."""
    assert "expected a mapping" in refusal(text)
    assert refusal(text).endswith((", got a whole number", ", got a list", ", got text"))


def test_dates_stay_text_and_keys_too() -> None:
    """What looks like a date is text, and a numeric key is text."""
    assert read_document("2024-01-01: 2024-01-02\n3: x", is_json=False).data == {"2024-01-01": "2024-01-02", "3": "x"}


def test_file_size_is_bounded(tmp_path: Path) -> None:
    """A file over the bound is refused by name."""
    path = tmp_path / "c.yaml"
    path.write_bytes(b"#" * (CONFIG_BYTES_MAX + 1))
    with pytest.raises(ConfigRefusedError, match="config_bytes_max"):
        load_document(path)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    """A file that is not there, and one that is no text, are clear errors; a BOM is fine."""
    with pytest.raises(ConfigRefusedError, match="No such file"):
        load_document(tmp_path / "none.yaml")
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ConfigRefusedError, match="UTF-8"):
        load_document(tmp_path / "c.yaml")
    (tmp_path / "c.json").write_bytes(b"\xef\xbb\xbf{}")
    assert load_document(tmp_path / "c.json").data == {}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:{}[]-&*!<>|\"'#,? \n\t\x00é\ud800"), max_size=60), st.booleans())
def test_any_text_is_read_or_refused(text: str, is_json: bool) -> None:
    """No text raises anything but a refusal."""
    try:
        assert isinstance(read_document(text, is_json=is_json).data, dict)
    except ConfigRefusedError as refused:
        assert str(refused)
