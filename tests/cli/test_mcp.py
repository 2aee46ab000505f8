"""`asbru mcp`: the lines for agents, and the tools that a document would become."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from asbru.cli import commands

PETS = """
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers: [{url: "https://pets.example/v1"}]
paths: {/pets: {get: {operationId: list_pets}, post: {operationId: add_pet}}}
"""


def mcp(*words: str) -> Result:
    """The command with these words."""
    return CliRunner().invoke(commands()["mcp"], words)


def test_the_gateway_is_the_one_of_the_other_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ASBRU_URL` names it; `--url` takes precedence."""
    monkeypatch.setenv("ASBRU_URL", "https://asbru.example")
    assert "codex mcp add asbru --url https://asbru.example/mcp " in mcp("connect", "codex").output
    assert (
        " --url http://other/mcp/docs " in mcp("connect", "codex", "--url", "http://other", "--server", "docs").output
    )


def test_a_pattern_that_no_operation_fits_is_an_error(tmp_path: Path) -> None:
    """As it is in the configuration; what fits is shown."""
    document = tmp_path / "pets.yaml"
    document.write_text(PETS)
    shown = mcp("preview", str(document), "--operation", "list_*")
    assert shown.exit_code == 0 and "list_pets" in shown.output and "add_pet" not in shown.output
    refused = mcp("preview", str(document), "--operation", "list_*", "--operation", "get_*")
    assert refused.exit_code == 1
    assert refused.output == f"Error: {document}: no operation fits 'get_*'; without --operation, all are shown\n"
