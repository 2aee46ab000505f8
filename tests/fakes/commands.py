"""`curl` and `sqlite3` as far as the guides use them, for machines that have neither: their commands run anywhere.

folder = stand_ins(tmp_path)                  # a folder for PATH; empty where the machine has the real ones
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

WAIT_S = 30.0
ROOT = Path(__file__).resolve().parent.parent.parent


def stand_ins(folder: Path, *, real: bool = True) -> Path:
    """A folder with those of the commands that the machine lacks; all of them unless `real` ones may be used."""
    programs = folder / "bin"
    programs.mkdir()
    for name in _COMMANDS:
        if not real or shutil.which(name) is None:
            program = programs / name
            program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m {__name__} {name} "$@"\n')
            program.chmod(0o755)
    return programs


def curl(words: list[str]) -> int:
    """One request: the body to stdout or `-o`, then what `-w` says. `--retry` waits for a server that is starting."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-s", "-S", "-N", "-sS", "--retry-connrefused", action="store_true")
    parser.add_argument("-o")
    parser.add_argument("-w", default="")
    parser.add_argument("-d")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("--retry", type=int, default=0)
    parser.add_argument("--retry-delay", type=float, default=1.0)
    asked = parser.parse_args(words)
    headers = {name: value.strip() for name, _, value in (line.partition(":") for line in asked.H)}
    request = urllib.request.Request(asked.url, None if asked.d is None else asked.d.encode(), headers)  # loopback
    for left in range(asked.retry, -1, -1):
        try:
            status, body = _answer(request)
            break
        except urllib.error.URLError:
            if not left:
                return 7
            time.sleep(asked.retry_delay)
    if asked.o is None:
        sys.stdout.buffer.write(body)
    else:
        Path(asked.o).write_bytes(body)
    sys.stdout.buffer.write(asked.w.replace("%{http_code}", str(status)).replace("\\n", "\n").encode())
    return 0


def _answer(request: urllib.request.Request) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:  # loopback
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def sqlite(words: list[str]) -> int:
    """`sqlite3 -readonly FILE SQL`: rows with `|` between their values."""
    _, file, query = words
    database = sqlite3.connect(f"{Path(file).absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S)
    for row in database.execute(query):
        sys.stdout.write("|".join("" if value is None else str(value) for value in row) + "\n")
    return 0


_COMMANDS = {"curl": curl, "sqlite3": sqlite}

if __name__ == "__main__":
    sys.exit(_COMMANDS[sys.argv[1]](sys.argv[2:]))
