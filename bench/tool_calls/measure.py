"""The measure: each way in rounds of rotating order, its CPU sampled around a window of load."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench import proc, stats
from bench.code_mode.doors import KEY, configuration
from bench.code_mode.serve import Served, ToolServers
from bench.code_mode.tables import tables
from bench.rig import BUILD, AbsentError, Rig, free_port, say
from bench.targets import TARGETS, Target
from bench.targets.contract import Running
from bench.tool_calls import request

CONNECTIONS = 16
TOOLS = 16
_DEADLINE_S = 60.0
Row = dict[str, object]


@dataclass
class Call:
    """One way of calling, and what was seen of it. `pid`: 0 if each window starts a process of its own."""

    name: str
    port: int
    tool: str
    pid: int = 0
    cpu_us: list[float] = field(default_factory=list)
    rps: list[float] = field(default_factory=list)
    failed: int = 0

    def row(self) -> Row:
        """The figures: medians of the rounds."""
        return {
            "target": self.name,
            "cpu_us_per_tool_call": stats.rounded(stats.median(self.cpu_us), 1),
            "tool_calls_per_second": stats.rounded(stats.median(self.rps), 0),
            "spread": stats.rounded(stats.relative_range(self.cpu_us)),
            "failed": self.failed,
        }


def answered(port: int, tool: str) -> bool:
    """Whether a call of the tool has a result."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    headers = {
        "Authorization": f"Bearer {KEY}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": request.VERSION,
    }
    try:
        link.request("POST", "/mcp", request.body(tool), headers)
        response = link.getresponse()
        return response.status == http.client.OK and b"structuredContent" in response.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def _started(target: Target, command: list[str], call: Call) -> Call:
    """Start a process, and wait until the tool can be called through it."""
    call.pid = target.spawn(command)
    end = time.monotonic() + _DEADLINE_S
    while time.monotonic() < end:
        if answered(call.port, call.tool):
            return call
        time.sleep(0.1)
    raise RuntimeError(f"{call.name} did not answer a call in {_DEADLINE_S:.0f} s: {target.last_words()}")


class _Process(Target):
    """A process that is started with a command; what `Target` has of that, and no more."""

    def __init__(self, rig: Rig, name: str) -> None:
        super().__init__(rig)
        self.name = name

    def install(self) -> None:
        """Nothing: all of it is in the environment of the harness."""

    def start(self) -> Running:
        """It is not asked for chats."""
        raise NotImplementedError


def _asbru(rig: Rig, process: _Process, url: str) -> Call:
    asbru = TARGETS["asbru"](rig)
    asbru.install()
    config = rig.folder / "tools.json"
    config.write_text(json.dumps(configuration({request.SERVER: url}, code_mode=False)))
    call = Call("asbru", free_port(), f"{request.SERVER}__{request.TOOL}")
    command = [str(asbru.binary), "serve", "--config", str(config), "--port", str(call.port), "--workers", "1"]  # type: ignore[attr-defined]  # asbru has it
    return _started(process, [*command, "--data-dir", str(rig.folder / "tools-data")], call)


def _sdk(rig: Rig, process: _Process, url: str) -> Call:
    del rig
    call = Call("sdk", free_port(), request.TOOL)
    script = Path(__file__).with_name("sdk_proxy.py")
    return _started(process, [sys.executable, str(script), url, str(call.port)], call)


_PROXIES: dict[str, Callable[[Rig, _Process, str], Call]] = {"asbru": _asbru, "sdk": _sdk}


def _command(call: Call, folder: Path, seconds: float) -> list[str]:
    if not call.pid:
        lane = [sys.executable, "-m", "bench.tool_calls.lane", str(call.port)]
        return [*lane, str(seconds), str(CONNECTIONS)]
    parts = {"head": request.head(call.port), "body": request.body(call.tool), "keys": KEY.encode()}
    command = [str(BUILD / "load"), "--sync", "--port", str(call.port), "--conns", str(CONNECTIONS)]
    for name, data in parts.items():
        path = folder / f"tool-{call.name}.{name}"
        path.write_bytes(data)
        command += [f"--{name}", str(path)]
    return [*command, "--seconds", str(seconds), "--warm", "2", "--min-bytes", str(request.RESULT_BYTES_MIN)]


def window(call: Call, folder: Path, seconds: float) -> None:
    """One window of load on one way."""
    load = subprocess.Popen(_command(call, folder, seconds), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert load.stdin is not None and load.stdout is not None
    try:
        if load.stdout.readline() != "ready\n":
            raise RuntimeError(f"the load on {call.name} did not start")
        roots = (call.pid or load.pid,)
        before, begun = proc.sample_cpu(roots), time.monotonic()
        load.stdin.write("go\n")
        load.stdin.flush()
        report = json.loads(load.stdout.readline())
        used, took_s = proc.cpu_between(before, proc.sample_cpu(roots)), time.monotonic() - begun
        load.communicate("\n", timeout=_DEADLINE_S)
    finally:
        load.kill()
        load.wait()
    call.failed += int(report["failed"])
    if report["count"]:
        call.cpu_us.append(used.ns / 1e3 / report["count"])
        call.rps.append(report["count"] / took_s)


def measure(rig: Rig, absent: dict[str, str], *, quick: bool) -> list[Row]:
    """The rows of all ways; what cannot be had is noted in `absent`."""
    rounds, seconds = (3, 0.8) if quick else (8, 1.0)
    servers = ToolServers(tables()[:1], TOOLS)
    processes: list[_Process] = []
    with Served(servers) as served:
        calls = [Call("lane", served.port, request.TOOL)]
        try:
            for name, start in _PROXIES.items():
                processes.append(_Process(rig, f"tools-{name}"))
                try:
                    calls.append(start(rig, processes[-1], served.url(request.SERVER)))
                except (AbsentError, RuntimeError) as error:
                    absent[f"tools/call by {name}"] = str(error)
            for number in range(rounds):
                turn = number % len(calls)
                for call in [*calls[turn:], *calls[:turn]]:
                    window(call, rig.folder, seconds)
        finally:
            for process in reversed(processes):
                process.stop()
    rows = [call.row() for call in calls]
    say(
        f"tools/call x{rounds}: " + ", ".join(f"{row['target']} {row['cpu_us_per_tool_call']} us cpu" for row in rows)
    )
    return rows
