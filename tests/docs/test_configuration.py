"""The pages on configuration and commands: examples load, generated parts and option lists are current."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.cli import commands

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDES = ROOT / "docs" / "guides"
EXAMPLES = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in sorted(GUIDES.glob("*.md"))
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_compile(example: str, tmp_path: Path) -> None:
    """Every YAML example of the guides is a valid configuration by itself."""
    path = tmp_path / "config.yaml"
    path.write_text(example)
    env = {name: f"value-{name}-0123456789" for name in re.findall(r"env\.(\w+)", example)} | {"PORT": "8080"}
    compiled = compile_config(Options(data_dir=tmp_path / "data", config=path), env, dry=True)
    assert compiled.snapshot.providers or "providers" not in example


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
