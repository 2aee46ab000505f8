"""The pages on configuration and commands: examples load, generated parts and option lists are current."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import click
import pytest

from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.cli import commands

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *(ROOT / "docs" / "guides").glob("*.md"), *(ROOT / "src").rglob("README.md")]


def blocks(language: str) -> list[object]:
    """Every fenced block of a language in the guides and the providers' pages, named by page and place."""
    fence = re.compile(rf"^ *```{language}\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
    return [
        pytest.param(textwrap.dedent(text), id=f"{page.parent.name}-{page.stem}-{number}")
        for page in sorted(PAGES)
        for number, text in enumerate(fence.findall(page.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize("example", blocks("yaml"))
def test_examples_compile(example: str, tmp_path: Path) -> None:
    """Every YAML example of the guides and the providers' pages is a valid configuration by itself."""
    path = tmp_path / "config.yaml"
    path.write_text(example.replace("file:/run/secrets/", f"file:{tmp_path}/"))
    for name in re.findall(r"file:/run/secrets/(\w+)", example):
        (tmp_path / name).write_text(f"value-{name}-0123456789\n")
    env = {name: f"value-{name}-0123456789" for name in re.findall(r"env\.(\w+)", example)}
    env |= {"PORT": "8080", "REDIS_URL": "redis://127.0.0.1:6379/0"}
    compiled = compile_config(Options(data_dir=tmp_path / "data", config=path), env, dry=True)
    assert compiled.snapshot.providers or "providers" not in example


@pytest.mark.parametrize("example", blocks("json"))
def test_json_examples_are_json(example: str) -> None:
    """Every JSON example can be copied: an agent's settings, an error's shape."""
    assert isinstance(json.loads(example), dict)


def test_settings_page_is_current() -> None:
    """docs/reference/configuration.md is what the models say; `python tools/settings_page.py` writes it."""
    ran = subprocess.run([sys.executable, "tools/settings_page.py", "--check"], cwd=ROOT, check=False)
    assert ran.returncode == 0


def options_of(command: click.Command, name: str) -> set[str]:
    """Every command and option below a command, as typed."""
    found = {f"`asbru {name}`"} if not isinstance(command, click.Group) else set()
    found |= {f"`{option}`" for parameter in command.params for option in parameter.opts}
    if isinstance(command, click.Group):
        for inner, below in command.commands.items():
            found |= options_of(below, f"{name} {inner}")
    return found


def test_every_command_and_option_is_documented() -> None:
    """docs/reference/cli.md names each command and each of its options."""
    text = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    for name, command in commands().items():
        missing = {option for option in options_of(command, name) if option not in text}
        assert not missing
