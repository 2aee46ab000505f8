"""`python -m bench.code_mode`: the three rounds through a gateway that runs; writes build/code-mode.json.

1 if a task fails or a bar is missed: nothing of it depends on the speed of the machine. `--direct`: without a gateway.
"""

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.code_mode.conversations import Outcome
from bench.code_mode.direct import Direct, DirectCode
from bench.code_mode.doors import Door, configuration, gateway
from bench.code_mode.rounds import ROUNDS, Row, markdown, missed, opened, row, run_classic, run_code
from bench.code_mode.serve import Served, ToolServers
from bench.code_mode.task import Task
from bench.code_mode.tokens import ENCODING, Prices
from bench.rig import ROOT, say

OUTPUT = ROOT / "build" / "code-mode.json"


@contextlib.contextmanager
def _doors(servers: ToolServers, tools: int, *, code_mode: bool, direct: bool) -> Iterator[Door]:
    if direct and code_mode:
        with DirectCode(servers) as door:
            yield door
    elif direct:
        yield Direct(servers)
    else:
        with tempfile.TemporaryDirectory(prefix="asbru-code-mode-") as folder, Served(servers) as served:
            document = configuration({name: served.url(name) for name in servers.tools}, code_mode=code_mode)
            with gateway(Path(folder) / "gateway", document, tools) as door:
                yield door


def main(arguments: list[str]) -> int:
    """Measure, save, print."""
    direct = "--direct" in arguments
    rows: list[Row] = []
    problems: list[str] = []
    ways: tuple[tuple[bool, Callable[[Door, ToolServers, list[Task]], Outcome]], ...]
    ways = ((False, run_classic), (True, run_code))
    for one in ROUNDS:
        servers, todo = opened(one)
        outcomes: list[Outcome] = []
        for code_mode, run in ways:
            say(f"{one.tools} tools on {one.servers} servers, {'code mode' if code_mode else 'classic'}")
            with _doors(servers, one.tools, code_mode=code_mode, direct=direct) as door:
                outcomes.append(run(door, servers, todo))
        rows.append(row(one, *outcomes))
        problems += [*map(str, rows[-1]["failed"] or ()), *missed(one, rows[-1])]  # type: ignore[call-overload]  # a list
    OUTPUT.parent.mkdir(exist_ok=True)
    prices = Prices()
    meta = {"tokenizer": ENCODING, "prices": vars(prices), "gateway": not direct}
    OUTPUT.write_text(json.dumps({"rows": rows, "meta": meta}, indent=1) + "\n")
    say(f"\n{markdown(rows)}\n")
    say(f"Tokens by {ENCODING}; prices of {prices.model}; seconds without the time that a model would take.")
    for problem in problems:
        say(f"  {problem}")
    say(f"written: {OUTPUT.relative_to(ROOT)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
