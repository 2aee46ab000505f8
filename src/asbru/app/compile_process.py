"""The compile process: reads what is asked of `app.compile`, and writes and says what comes of it. Short-lived.

    python -m asbru.app.compile_process [--config FILE] --data-dir DIR [--host H] [--port P] [--workers N]
                                        [--mock-socket PATH] [--control-socket PATH] [--control True|False]
                                        [--bound ADDRESS] [--keeps SECTION,...]
                                        --out PATH | --check

What the management API has stored is read beside the file; an object that cannot be compiled any more, since the file
has changed, is left out with a warning. `--bound` and `--keeps`: a gateway runs, listens there, and its file has
entries in these sections; a file that has lost all of them, or is empty, is then refused, since it was more likely
damaged than meant. `--check` writes nothing and reads {"stored": objects, "live": provider or null} from stdin; that
provider is also asked whether it answers.

Prints JSON lines: {"warnings": [text]}, {"generated_key": text} the one time that a key is made, {"result": {...}} and
exit 0, or {"errors": [text]} and exit 1, or, where the data directory is at fault, {"unusable": text} and exit 1;
{"checked": true} where a check found none. Exit 74: there is no room to write what was compiled, or nobody to say it
to. The snapshot and, beside it, the declared entries of the feed are written whole (rename), 0600.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from asbru.app.boot import EXIT_UNWRITTEN, Options
from asbru.app.compile import Compiled, compile_config, compile_stored
from asbru.app.compile_boot import runs_control
from asbru.app.config import ConfigRefusedError
from asbru.app.data_dir import write_private
from asbru.app.data_lock import unusable
from asbru.app.live_check import check_live
from asbru.app.paths import catalogue_file, declared_file, shown_file
from asbru.app.shown import shown_models, shown_sections
from asbru.app.snapshot import write_snapshot
from asbru.app.stored_objects import Stored
from asbru.cluster import write_entries
from asbru.providers import ProviderFault, discover
from asbru.storage import NewerSchema, StorageError


class _UnwrittenError(Exception):
    """What was compiled, or what is to be said of it, cannot be written."""


def main(argv: list[str] | None = None) -> int:
    """The process's entry; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="asbru.app.compile_process")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--mock-socket")
    parser.add_argument("--control-socket")
    parser.add_argument("--control", type="True".__eq__)
    parser.add_argument("--bound")
    parser.add_argument("--keeps", type=lambda names: tuple(names.split(",")), default=())
    parser.add_argument("--out", type=Path)
    parser.add_argument("--check", action="store_true")
    given = vars(parser.parse_args(argv))
    out: Path | None = given.pop("out")
    check: bool = given.pop("check")
    if check == (out is not None):
        parser.error("expected either --out or --check")
    try:
        return _answer(Options(**given), out)
    except _UnwrittenError:
        return EXIT_UNWRITTEN


def _answer(options: Options, out: Path | None) -> int:
    """Do what is asked; the exit code. Raises `_UnwrittenError`."""
    try:
        if out is None:
            return _check(options, json.load(sys.stdin))
        compiled = compile_stored(options, os.environ)
        _write(out, compiled, shows=runs_control(options, compiled.config))
    except ConfigRefusedError as refused:
        _say({"errors": [str(problem) for problem in refused.problems]})
        return 1
    except OSError as error:
        at_fault = _is_about(options.data_dir, error)
        _say({"unusable": unusable(options.data_dir, error)} if at_fault else {"errors": [str(error)]})
        return 1
    except (StorageError, NewerSchema) as error:
        _say({"unusable": str(error)})
        return 1
    except (ValueError, ProviderFault) as error:
        _say({"errors": [str(error)]})
        return 1
    _say({"warnings": [str(warning) for warning in compiled.warnings]})
    if compiled.generated_key is not None:
        _say({"generated_key": compiled.generated_key.reveal()})
    _say({"result": compiled.boot._asdict()})
    return 0


def _is_about(data_dir: Path, error: OSError) -> bool:
    """Whether an error is about the data directory, or what is in it, or where it was to be made."""
    at = Path(error.filename).absolute() if isinstance(error.filename, str) else Path()
    here = data_dir.absolute()
    return at == here or here in at.parents or at in here.parents


def _write(out: Path, compiled: Compiled, *, shows: bool) -> None:
    """All that is compiled; `shows`: also what the control process reads, without which it would be work for nobody.
    Raises `_UnwrittenError`."""
    try:
        # The snapshot last: where there is one, there is what belongs to it.
        write_private(declared_file(out), write_entries(compiled.declared))
        if shows:
            shown = shown_sections(compiled.config, compiled.boot.config_file, compiled.stored, compiled.written)
            write_private(shown_file(out), shown)
            write_private(catalogue_file(out), shown_models(compiled.config, compiled.snapshot.providers))
        write_private(out, write_snapshot(compiled.snapshot))
    except OSError as error:
        raise _UnwrittenError from error


def _check(options: Options, asked: dict[str, Any]) -> int:
    compiled = compile_config(options, os.environ, dry=True, stored=Stored(asked["stored"]))
    live: str | None = asked.get("live")
    if live is not None:
        providers = [facts for facts in compiled.snapshot.providers if facts.name == live]
        if not providers:
            _say({"errors": [f"there is no provider {live!r}"]})
            return 1
        found = asyncio.run(check_live(providers, discover()))
        if any(one.is_error for one in found):
            _say({"errors": [one.message for one in found]})
            return 1
        _say({"warnings": [one.message for one in found]})
    _say({"checked": True})
    return 0


def _say(line: dict[str, Any]) -> None:
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except OSError as error:
        raise _UnwrittenError from error


if __name__ == "__main__":
    sys.exit(main())
