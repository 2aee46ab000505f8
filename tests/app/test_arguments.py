"""Arguments between our own processes."""

from __future__ import annotations

import pytest

from asbru.app.arguments import read_arguments


def test_pairs_are_read() -> None:
    """Values by name, in either spelling; what was not given is not there."""
    words = ["--socket", "/run/a.sock", "--drain-s=2.5", "--data-dir", "--odd--"]
    given = read_arguments(words, required=("socket", "data-dir"), optional=("drain-s", "index"))
    assert given == {"socket": "/run/a.sock", "drain-s": "2.5", "data-dir": "--odd--"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "expected --socket and its value"),
        (["--socket"], "--socket: expected a value after it"),
        (["--socket", "a", "--port", "1"], "expected one of index, socket, got 'port'"),
    ],
)
def test_what_is_not_understood_ends_the_process(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing, unknown and incomplete arguments are said on stderr, exit code 2."""
    with pytest.raises(SystemExit) as ended:
        read_arguments(words, required=("socket",), optional=("index",))
    assert ended.value.code == 2
    assert why in capsys.readouterr().err
