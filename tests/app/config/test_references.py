"""References in values: `env.NAME`, `file:PATH`, and the forms of other tools."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from asbru.app.config.base import EnvText, FileText
from asbru.app.config.references import SECRET_FILE_BYTES_MAX, References


def resolve(value: Any, **env: str) -> tuple[Any, References]:
    """The value of a setting `a`, resolved, and what came up."""
    references = References(env)
    return references.resolve({"a": value})["a"], references


@pytest.mark.parametrize(
    "value",
    [
        "$OPENAI_API_KEY",
        "${OPENAI_API_KEY}",
        "${OPENAI_API_KEY:-none}",
        "${env:OPENAI_API_KEY}",
        "os.environ/OPENAI_API_KEY",
        'os.environ["OPENAI_API_KEY"]',
        "process.env.OPENAI_API_KEY",
        "ENV.OPENAI_API_KEY",
        "Env.OPENAI_API_KEY",
        "env:OPENAI_API_KEY",
        "$env:OPENAI_API_KEY",
        "{{ env.OPENAI_API_KEY }}",
        "%OPENAI_API_KEY%",
        "Bearer ${OPENAI_API_KEY}",
        "Bearer env.OPENAI_API_KEY",
        "https://${OPENAI_API_KEY}.example/v1",
    ],
)
def test_references_of_other_tools_are_errors(value: str) -> None:
    """They are named for what they should be, also where they are a part of a value, and never sent as they stand."""
    references = resolve({"b": [value]}, OPENAI_API_KEY="sk-x")[1]
    assert list(references.problems) == [("a", "b", 0)]
    assert "`env.OPENAI_API_KEY`" in references.problems["a", "b", 0]
    assert "`file:PATH`" in references.problems["a", "b", 0]


@pytest.mark.parametrize("value", ["$ecretPassw0rd", "env.my-key", "ENV."])
def test_a_secret_is_not_repeated(value: str) -> None:
    """What may be a secret, or is no name of a variable, is an error that does not repeat it."""
    problem = resolve(value)[1].problems["a",]
    assert "`env.NAME`" in problem
    assert value.lstrip("$") not in problem


@pytest.mark.parametrize(
    "value", ["sk-$abc", "a$", "$", "$1", "env", "env/gpt-4", "https://env.example.com/v1", "100%", "mock/env.x"]
)
def test_other_text_is_left_alone(value: str) -> None:
    """A `$` or an `env` inside of text means nothing."""
    found, references = resolve(value)
    assert found == value
    assert (references.problems, references.unset) == ({}, {})


def test_variables_are_trimmed_and_missing_ones_noted() -> None:
    """An empty variable is as good as none."""
    found, references = resolve(["env.A", "env.B", "env.C"], A=" x\n", B=" ")
    assert found == ["x", "env.B", "env.C"]
    assert isinstance(found[0], EnvText)
    assert references.unset == {("a", 1): "B", ("a", 2): "C"}


def test_a_file_is_read_and_trimmed(tmp_path: Path) -> None:
    """A mounted secret usually ends with a line break; the file is noted, to be watched."""
    secret = tmp_path / "key"
    secret.write_text(" sk-1\n")
    found, references = resolve(f"file:{secret}")
    assert found == "sk-1"
    assert isinstance(found, FileText)
    assert references.files == {("a",): str(secret)}


def test_a_file_that_cannot_be_used_is_a_problem(tmp_path: Path) -> None:
    """Missing, empty, binary and endless files, folders and pipes are refused by name, without waiting."""
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * (SECRET_FILE_BYTES_MAX + 1))
    os.mkfifo(tmp_path / "pipe")
    expected = {
        "none": "cannot read {}: No such file or directory",
        "": "cannot read {}: Is a directory",
        "empty": "{} is empty",
        "pipe": "{} is empty",
        "binary": "{} is not text",
        "large": "{} is larger than 65536 bytes (secret_file_bytes_max)",
    }
    for name, problem in expected.items():
        path = str(tmp_path / name)
        assert resolve(f"file:{path}")[1].problems == {("a",): problem.format(path)}
    assert "not a file name" in resolve("file:/a\0b")[1].problems["a",]
