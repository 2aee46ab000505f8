"""tools/tidy.py: each rule is shown failing on a bad file and silent on a good one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tools import tidy

ROOT = Path(__file__).resolve().parent.parent.parent
DOOR = '"""A room. It does one thing."""\n\n__all__ = ["Thing"]\n'


class Example(NamedTuple):
    """One file at `path` in a house that has the rooms wire, core, cli, edge/server, and two providers."""

    rule: str
    path: str
    text: str


def long_function(lines: int) -> str:
    """A module with one function of that many lines."""
    return '"""Words."""\n\ndef f():\n' + "    x = 1\n" * (lines - 1)


BAD = [
    Example("file-size", "src/asbru/core/long.py", '"""Words."""\n' + "X = 1\n" * 600),
    Example("file-size", "src/asbru/pipeline/serve.py", '"""Words.\n\nMore."""\n' + "X = 1\n" * 67),
    Example("function-size", "tools/thing.py", long_function(71)),
    Example("opening", "src/asbru/core/thing.py", "X = 1\n"),
    Example("opening", "src/asbru/core/thing.py", '"""One line."""\n' + "X = 1\n" * 60),
    Example("named-by-noun", "src/asbru/core/utils.py", '"""Words."""\n'),
    Example("named-by-noun", "src/asbru/handlers/chat.py", '"""Words."""\n'),
    Example("named-by-noun", "tests/helpers.py", '"""Words."""\n'),
    Example("excused", "src/asbru/core/thing.py", "x = 1  # noqa\n"),
    Example("excused", "src/asbru/core/thing.py", "x = 1  # noqa: E501\n"),
    Example("excused", "src/asbru/core/thing.py", "x = 1  # type: ignore -- because\n"),
    Example("excused", "src/asbru/core/thing.py", "x = 1  # pyright: ignore[reportAny]\n"),
    Example("broad-except", "src/asbru/edge/thing.py", "try:\n    f()\nexcept Exception:\n    g()\n"),
    Example("broad-except", "src/asbru/edge/thing.py", "try:\n    f()\nexcept:  # noqa: E722\n    g()\n"),
    Example(
        "broad-except",
        "src/asbru/edge/thing.py",
        "try:\n    f()\nexcept (OSError, BaseException):\n    g()\n",
    ),
    Example("sans-io", "src/asbru/core/thing.py", "import time\n"),
    Example("sans-io", "src/asbru/wire/thing.py", "from os.path import join\n"),
    Example("sans-io", "src/asbru/dialects/thing.py", "def f():\n    import asyncio.events\n"),
    Example("sans-io", "src/asbru/core/thing.py", "from urllib import request\n"),
    Example("sans-io", "src/asbru/core/thing.py", "f = open('x')\n"),
    Example("light-workers", "src/asbru/edge/thing.py", "from pydantic import BaseModel\n"),
    Example("front-door", "src/asbru/wire/__init__.py", '"""Words."""\n'),
    Example("front-door", "src/asbru/wire/__init__.py", f"__all__ = {[f'n{i}' for i in range(13)]}\n"),
    Example("front-door", "src/asbru/nodoor/thing.py", "X = 1\n"),
    Example("by-the-door", "src/asbru/edge/thing.py", "from asbru.wire.sse import SseReader\n"),
    Example("by-the-door", "src/asbru/edge/thing.py", "from asbru.wire import Hidden\n"),
    Example("by-the-door", "src/asbru/edge/thing.py", "from asbru.wire import sse\n"),
    Example("by-the-door", "src/asbru/edge/thing.py", "import asbru.wire.sse\n"),
    Example("by-the-door", "src/asbru/cli/thing.py", "from asbru.wire.sse import SseReader\n"),
    Example("by-the-door", "src/asbru/edge/thing.py", "from ..wire.sse import SseReader\n"),
    Example("strangers", "src/asbru/providers/groq/quirks.py", "from asbru.providers.openai import PROVIDER\n"),
    Example("strangers", "src/asbru/providers/groq/__init__.py", "from asbru.providers import openai\n"),
    Example("dialect-cases", "src/asbru/dialects/lonely/__init__.py", "DIALECT = 1\n"),
    Example("dialect-cases", "src/asbru/dialects/tested/__init__.py", "__all__ = []\n"),
    Example("global-state", "src/asbru/edge/thing.py", "seen = {}\n"),
    Example("global-state", "src/asbru/edge/thing.py", "_seen: dict[str, int] = collections.defaultdict(int)\n"),
    Example("global-state", "src/asbru/edge/thing.py", "def f():\n    global x\n    x = 1\n"),
    Example("mirror", "tests/wire/test_nothing.py", '"""Words."""\n'),
    Example("mirror", "tests/test_sse.py", '"""Words."""\n'),
    Example("says-behaviour", "tests/wire/test_sse.py", "def test_a():\n    assert f()\n"),
    Example("says-behaviour", "clients/test_sdk.py", "class TestA:\n    async def test_a(self):\n        f()\n"),
    Example("no-sleep", "tests/wire/test_sse.py", "time.sleep(x)\n"),
    Example("no-sleep", "tests/wire/test_sse.py", "async def f():\n    await asyncio.sleep(0.1)\n"),
    Example("no-sleep", "tests/wire/test_sse.py", "from time import sleep\n"),
]

GOOD = [
    Example("file-size", "src/asbru/core/long.py", '"""Words."""\n' + "X = 1\n" * 599),
    Example("file-size", "src/asbru/pipeline/serve.py", '"""Words.\n\nMore."""\n' + "X = 1\n" * 66),
    Example("function-size", "tools/thing.py", long_function(70)),
    Example("opening", "src/asbru/core/thing.py", '"""One line."""\n' + "X = 1\n" * 59),
    Example("opening", "src/asbru/core/thing.py", '"""Two.\n\nLines.\n"""\n' + "X = 1\n" * 60),
    Example("opening", "tests/wire/__init__.py", ""),
    Example("named-by-noun", "src/asbru/core/usage.py", '"""Words."""\n'),
    Example("excused", "src/asbru/core/thing.py", "x = 1  # noqa: A001, A002 -- the wire's own word\n"),
    Example("excused", "src/asbru/core/thing.py", "x = 1  # type: ignore[misc]  # the stub is wrong\n"),
    Example("excused", "src/asbru/core/thing.py", "x = 1  # pyright: ignore[reportAny] -- any JSON\n"),
    Example("excused", "src/asbru/core/thing.py", 'x = "# noqa"\n'),
    Example("broad-except", "src/asbru/edge/a.py", "try:\n    f()\nexcept OSError:\n    g()\n"),
    Example(
        "broad-except",
        "src/asbru/edge/a.py",
        "try:\n    f()\nexcept Exception:  # the caller: 500\n    g()\n",
    ),
    Example("broad-except", "src/asbru/edge/a.py", "try:\n    f()\n# told: the log\nexcept Exception:\n    g()\n"),
    Example("broad-except", "src/asbru/edge/a.py", "try:\n    f()\nexcept BaseException:\n    g()\n    raise\n"),
    Example("sans-io", "src/asbru/core/thing.py", "import math\nfrom urllib.parse import quote\n"),
    Example("sans-io", "src/asbru/edge/thing.py", "import asyncio\n"),
    Example("light-workers", "src/asbru/app/thing.py", "from pydantic import BaseModel\n"),
    Example("front-door", "src/asbru/wire/__init__.py", "__all__: list[str] = []\n"),
    Example("front-door", "src/asbru/providers/groq/__init__.py", "PROVIDER = 1\n"),
    Example("front-door", "src/asbru/__init__.py", "VERSION = 1\n"),
    Example("front-door", "src/asbru/wire/thing.py", "X = 1\n"),
    Example("by-the-door", "src/asbru/edge/thing.py", "from asbru.wire import Thing\n"),
    Example("by-the-door", "src/asbru/edge/thing.py", "from asbru import wire\n"),
    Example("by-the-door", "src/asbru/edge/thing.py", "from asbru.core.Thing import x\n"),
    Example("by-the-door", "src/asbru/app/thing.py", "from asbru.edge.server import Server\n"),
    Example("by-the-door", "src/asbru/wire/other.py", "from asbru.wire.sse import Hidden\n"),
    Example("by-the-door", "src/asbru/cli/thing.py", "def f():\n    from asbru.wire.sse import SseReader\n"),
    Example("strangers", "src/asbru/providers/groq/__init__.py", "from asbru.providers.kit import Provider\n"),
    Example("strangers", "src/asbru/providers/groq/__init__.py", "from asbru.providers.groq import quirks\n"),
    Example("strangers", "src/asbru/providers/kit.py", "from asbru.providers import groq\n"),
    Example("dialect-cases", "src/asbru/dialects/tested/__init__.py", "DIALECT: int = 1\n"),
    Example("dialect-cases", "src/asbru/dialects/tested/types.py", "NAME = 1\n"),
    Example("dialect-cases", "src/asbru/dialects/fields.py", "NAME = 1\n"),
    Example(
        "global-state",
        "src/asbru/edge/thing.py",
        "TABLE = {}\n_NAMES: set[str] = set()\n__all__ = []\nx = 1\n",
    ),
    Example("global-state", "tools/thing.py", "seen = {}\n"),
    Example("mirror", "tests/wire/test_sse.py", '"""Words."""\n'),
    Example("mirror", "tests/wire/test_sse_cuts.py", '"""Words."""\n'),
    Example("mirror", "tests/edge/server/test_server.py", '"""Words."""\n'),
    Example("mirror", "tests/providers/test_groq.py", '"""Words."""\n'),
    Example("mirror", "tests/journeys/test_anything.py", '"""Words."""\n'),
    Example("says-behaviour", "tests/wire/test_sse.py", 'def test_a():\n    """It works."""\n'),
    Example("says-behaviour", "tests/wire/test_sse.py", "def cut():\n    pass\n"),
    Example("no-sleep", "tests/wire/test_sse.py", "async def f():\n    await asyncio.sleep(0)\n"),
    Example("no-sleep", "tests/fakes/upstream.py", "async def f():\n    await asyncio.sleep(0.1)\n"),
]


@pytest.fixture
def house(tmp_path: Path) -> tidy.House:
    """A small house: a few rooms with doors, one module inside, two providers and their kit."""
    package = tmp_path / "src" / "asbru"
    for room in (
        "core",
        "wire",
        "cli",
        "edge",
        "edge/server",
        "providers",
        "providers/groq",
        "providers/openai",
    ):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").write_text(DOOR)
    for module in ("wire/sse.py", "core/Thing.py", "providers/kit.py"):
        (package / module).write_text('"""Words."""\n')
    cases = tmp_path / "tests" / "cases" / "tested"
    cases.mkdir(parents=True)
    for kind, least in tidy.DIALECT_CASES_MIN.items():
        for n in range(least):
            (cases / f"{kind}_{n}.json").write_text("{}")
    return tidy.House(tmp_path)


def findings(house: tidy.House, example: Example) -> list[tuple[int, str]]:
    """What the example's own rule says about it."""
    source = tidy.Source(tidy.PurePosixPath(example.path), example.text)
    return list(tidy.RULES[example.rule](source, house))


@pytest.mark.parametrize("example", BAD, ids=lambda example: example.rule)
def test_a_rule_finds_what_it_is_for(house: tidy.House, example: Example) -> None:
    """A bad file is found, on a line that exists or the first one too many."""
    found = findings(house, example)
    assert found
    assert all(1 <= line <= example.text.count("\n") + 1 for line, _ in found)


@pytest.mark.parametrize("example", GOOD, ids=lambda example: example.rule)
def test_a_rule_is_silent_about_good_code(house: tidy.House, example: Example) -> None:
    """A good file next to the border is left alone."""
    assert findings(house, example) == []


def test_every_rule_has_both_examples_and_words() -> None:
    """No rule is without a docstring, a bad example and a good one."""
    assert set(tidy.RULES) == {example.rule for example in BAD} == {example.rule for example in GOOD}
    assert all(check.__doc__ for check in tidy.RULES.values())


def test_a_finding_names_place_and_rule(tmp_path: Path) -> None:
    """The whole tree is walked, built things are skipped, and a line reads `path:line: rule: message`."""
    for name, text in {
        "src/asbru/core/__init__.py": DOOR,
        "src/asbru/core/bad.py": '"""Words."""\nimport time\n',
        "src/asbru/core/broken.py": "def\n",
        "bench/build/peer.py": "x = 1\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = [str(finding) for finding in tidy.check_house(tmp_path)]
    assert len(found) == 2
    assert found[0] == "src/asbru/core/bad.py:2: sans-io: core is pure and cannot import time"
    assert found[1].startswith("src/asbru/core/broken.py:1: parses: ")


def test_the_style_guide_names_every_rule() -> None:
    """STYLE.md lists the rules that tidy checks, and no others."""
    listed = re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "STYLE.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == list(tidy.RULES)
