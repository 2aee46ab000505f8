"""`asbru guardrails`: the commands of objects of the management API, and `explain`, which reads the configuration file.

`explain` neither writes nor asks a gateway; rules that are stored by the management API it does not see.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asbru.cli.api import print_items
from asbru.cli.objects import command_for
from asbru.cli.options import config_option, search_option

if TYPE_CHECKING:
    from asbru.guardrails import ProofRow

command = command_for("guardrails")


@command.command()
@config_option
@search_option
@click.option("--rule", default="", help="Only this rule.")
@click.option("--surface", default="", help="Only this surface and operation, such as openai.chat.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(*, config: Path | None, data_dir: Path, rule: str, surface: str, as_json: bool) -> None:
    """Show what each rule of the configuration does, for each operation, whole and streamed."""
    import msgspec

    from asbru.app.boot import Options
    from asbru.app.compile import compile_config
    from asbru.app.config import ConfigRefusedError
    from asbru.pipeline.guarding import proof_of

    try:
        compiled = compile_config(Options(data_dir=data_dir, config=config), os.environ, dry=True)
    except ConfigRefusedError as refused:
        raise click.ClickException("\n".join(str(problem) for problem in refused.problems)) from None
    rows = [
        row
        for declared in compiled.snapshot.guardrails.rules
        if declared.enabled and rule in ("", declared.name)
        for row in proof_of(declared)
        if surface in ("", row.surface)
    ]
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(rows), indent=2))
    elif not rows:
        click.echo("no guardrail rule applies")
    else:
        print_items(
            [_line(row) for row in rows], ("surface", "mode", "rule", "place", "verdict", "how"), as_json=False
        )


def _line(row: ProofRow) -> dict[str, str]:
    verdict = f"{row.verdict}: {row.action}" if row.verdict == "enforced" else row.verdict
    return {
        "surface": row.surface,
        "mode": "stream" if row.stream else "whole",
        "rule": row.rule,
        "place": row.place,
        "verdict": verdict,
        "how": row.how,
    }
