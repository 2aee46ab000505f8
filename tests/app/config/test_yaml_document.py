"""YAML from events: what aliases, merges and tags give, and that both parsers give the same."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from asbru.app.config import ConfigRefusedError
from asbru.app.config import yaml_document as module
from asbru.app.config.problem import CONFIG_DEPTH_MAX
from asbru.app.config.yaml_document import read_yaml


class _PythonLoader(yaml.SafeLoader):
    """What reads where there is no libyaml."""


_PythonLoader.yaml_implicit_resolvers = module._Loader.yaml_implicit_resolvers  # pyright: ignore[reportPrivateUsage]  # as it is

GOOD = {
    "a: 1\nb: [x, 2.5, true, ~, 'y', \"z\\n\"]\n": {"a": 1, "b": ["x", 2.5, True, None, "y", "z\n"]},
    "a: |\n  one\n  two\nb: >-\n  three\n  four\n": {"a": "one\ntwo\n", "b": "three four"},
    "a: &x {k: [1, 2]}\nb: *x\nc: [*x, *x]\n": {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}, "c": [{"k": [1, 2]}] * 2},
    "a: &x {k: 1, l: 2}\nb: {l: 3, <<: *x}\n": {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}},
    "a: {<<: [{k: 1}, {k: 2, l: 3}]}\n": {"a": {"k": 1, "l": 3}},
    "a: !!str 1\nb: !!int '2'\nc: ! 3\n2: x\ntrue: y\n": {"a": "1", "b": 2, "c": 3, "2": "x", "true": "y"},
    "a: &x\nb: *x\n": {"a": None, "b": None},
    "a: &x 1\nb: &x 2\nc: *x\n": {"a": 1, "b": 2, "c": 2},
    "--- {a: 1}\n...\n": {"a": 1},
    "# nothing\n": None,
    "": None,
}

BAD = {
    "a: 1\n--- \nb: 2\n": "line 2: expected one document",
    "a: &a [*a]": "line 1: the alias 'a' refers to a node that contains it",
    "a: 1\nb: *nobody": "line 2: not valid YAML: undefined alias",
    "a:\n  <<: 3": "line 2: expected a mapping to merge",
    "a: !!int x": "line 1: the value does not match its tag",
    "a: !!set {x}": "line 1: the tag tag:yaml.org,2002:set is not allowed",
    "a: 1\n*b : 2": "line 2: a key must be plain text",
    "a: [\n\n": "not valid YAML",
}


@pytest.fixture(params=[module._Loader, _PythonLoader], ids=["fastest", "python"])  # pyright: ignore[reportPrivateUsage]  # both ways
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With libyaml where it is there, and without."""
    monkeypatch.setattr(module, "_Loader", request.param)


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("text", GOOD, ids=range(len(GOOD)))
def test_yaml_gives_plain_data(text: str) -> None:
    """Scalars, blocks, aliases, merges and the tags that are allowed, as YAML has them."""
    assert read_yaml(text)[0] == GOOD[text]


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_what_is_refused_says_where(text: str) -> None:
    """Each refusal has its line and its reason, whichever parser reads."""
    with pytest.raises(ConfigRefusedError) as raised:
        read_yaml(text)
    assert BAD[text].casefold() in str(raised.value).casefold()


@pytest.mark.usefixtures("both")
def test_every_path_has_its_line() -> None:
    """Keys by their own line, entries of lists by theirs; what an alias repeats by the alias."""
    lines = read_yaml("a:\n  b: &x\n  - 1\n  - c: 2\nd:\n  - 3\n  - *x\n")[1]
    by_path: dict[tuple[Any, ...], int] = {("a",): 1, ("a", "b"): 2, ("a", "b", 0): 3, ("a", "b", 1, "c"): 4}
    by_path |= {("d",): 5, ("d", 0): 6, ("d", 1): 7}
    assert by_path.items() <= lines.items()


@pytest.mark.usefixtures("both")
def test_depth_counts_what_aliases_repeat() -> None:
    """A chain of aliases that nests deeper than allowed is refused, though each step is shallow."""

    def chain(length: int) -> str:
        steps = (f"a{at}: &a{at} [*a{at - 1}]\n" for at in range(1, length))
        return "a0: &a0 [x]\n" + "".join(steps)

    assert read_yaml(chain(CONFIG_DEPTH_MAX - 1))[0]
    with pytest.raises(ConfigRefusedError, match="nested deeper"):
        read_yaml(chain(CONFIG_DEPTH_MAX + 1))
