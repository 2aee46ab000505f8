"""Half an hour of mixed traffic, and what it leaves in memory: `make soak`, for a quiet machine and not for CI.

    python -m tests.attacks.soak [MINUTES]

Ten thousand virtual keys, models and user agents, in ever other combinations: whole calls and streams, passed on and
translated, with errors, unknown keys, large bodies and callers that leave, at a steady rate. Prints the resident memory
of each process each minute: its own, and the pages of files that are mapped (programs, libraries, the index of the
database's WAL), which the kernel takes and brings back as it likes. Exit code 1 where the own memory of a process rises
by more than GROWTH_KB_MAX after the first third, in which caches and tables fill, or where a process was replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.fakes.upstream import FakeUpstream, Reply, Seen
from tests.fakes.waiting import pause
from tests.journeys.caller import Caller, HungUp, request
from tests.journeys.served import Served, mapped_kb, memory_kb
from tests.journeys.talk import (
    CHAT_PATH,
    CHAT_REPLY,
    CHAT_STREAM,
    MESSAGES_PATH,
    MESSAGES_REPLY,
    MESSAGES_STREAM,
    chat,
    messages,
)

MINUTES = 30.0
DISTINCT = 10_000
CALLERS = 16
CALLS_PER_S = 600
"""In all. What the bookkeeper holds at once follows the rate, so a machine that gets faster would look like a leak."""
BEHIND_S_MAX = 1.0
"""What is made up for after a pause of the machine, for the same reason."""
GROWTH_KB_MAX = 1024
_MINUTE_S = 60.0
_LARGE_CHARS = 600_000
_CALLS_EACH_CONNECTION = 500
_CHAT_USED = {"usage": {"prompt_tokens": 1500, "completion_tokens": 400, "total_tokens": 1900}}
_MESSAGES_USED = {"usage": {"input_tokens": 1500, "output_tokens": 400}}
"""As many tokens as real calls have: a total above 256 is an object of its own in Python, so that sums of very few
tokens would go on taking more room for half an hour."""


class Soak:
    """The load, and how it went. `kept_kb`: a process's own memory, each time that it was looked at."""

    def __init__(self, served: Served) -> None:
        self.calls = 0
        self.over = False
        self.kept_kb: dict[str, list[int]] = {}
        self._served = served
        self._numbers = itertools.count()
        self._due_s = time.monotonic()

    async def call(self) -> None:
        """One caller after the other, until it is over."""
        while not self.over:
            with contextlib.suppress(HungUp, OSError, TimeoutError):
                async with Caller(self._served.port) as caller:
                    for number in itertools.islice(self._numbers, _CALLS_EACH_CONNECTION):
                        if self.over:
                            return
                        await pause(self._turn_s())
                        path, body, key = asked(number)
                        agent = f"User-Agent: agent/{number * 7 % DISTINCT}"
                        caller.send(request(path, body, key=key, headers=[agent]))
                        if number % 101 == 100:  # it leaves before the response
                            break
                        await caller.answer()
                        self.calls += 1

    def _turn_s(self) -> float:
        """How long the next call has to wait for its turn."""
        now_s = time.monotonic()
        self._due_s = max(self._due_s + 1 / CALLS_PER_S, now_s - BEHIND_S_MAX)
        return max(0.0, self._due_s - now_s)

    def look(self) -> str:
        """Take note of the memory of each process; a line for people."""
        found = {"supervisor": self._served.process.pid}
        for role in ("bookkeeper", "worker"):
            for at, pid in enumerate(self._served.children(f"asbru.app.{role}")):
                found[f"{role}-{at}"] = pid
        said: list[str] = []
        for role, pid in found.items():
            own_kb, files_kb = memory_kb(pid), mapped_kb(pid)
            self.kept_kb.setdefault(f"{role} ({pid})", []).append(own_kb)
            said.append(f"{role} ({pid}): {own_kb} + {files_kb} KiB")
        return ", ".join(said)

    def faults(self, looks: int) -> Iterator[str]:
        """What speaks against it after so many looks, the first of which was at the beginning."""
        for name, kept_kb in self.kept_kb.items():
            if len(kept_kb) != looks:
                yield f"{name} did not run all the time"
            elif (rose_kb := kept_kb[-1] - kept_kb[looks // 3]) > GROWTH_KB_MAX:
                yield f"{name} rose by {rose_kb} KiB after the first third, at most {GROWTH_KB_MAX}"


def asked(number: int) -> tuple[str, dict[str, Any], str]:
    """The path, body and key of a call. In each round of the keys another model goes with each."""
    key = "sk-asb-nobody-0000" if number % 53 == 0 else key_of(number * 3 % DISTINCT)
    own = "openai" if number % 2 else "anthropic"
    model = f"{own}/model-{(number * 11 + number // DISTINCT) % DISTINCT}"
    stream = number % 3 == 0
    make, path = (chat, CHAT_PATH) if number % 5 < 3 else (messages, MESSAGES_PATH)
    body = make(model, stream=stream)
    if number % 211 == 0:
        body["messages"] = [{"role": "user", "content": "x" * _LARGE_CHARS}]
    return path, body, key


def key_of(number: int) -> str:
    """The value of a virtual key."""
    return f"sk-asb-soak-{number:020d}"


def answer(seen: Seen) -> Reply:
    """What the provider says, by the path and by the model's number."""
    body = seen.json()
    number = int(str(body["model"]).rpartition("-")[2])
    if number % 17 == 0:
        return Reply.json({"error": {"message": "try again", "type": "x", "code": "y"}}, 500)
    own = seen.path.endswith("/messages")
    if body.get("stream"):
        return Reply.events(*(MESSAGES_STREAM if own else CHAT_STREAM))
    return Reply.json(MESSAGES_REPLY | _MESSAGES_USED if own else CHAT_REPLY | _CHAT_USED)


async def soak(folder: Path, minutes: float) -> list[str]:
    """Run it; what speaks against it."""
    async with FakeUpstream() as upstream:
        served = Served(folder, upstream.url)
        served.write(key_values=[key_of(number) for number in range(DISTINCT)])
        async with served:
            upstream.otherwise = answer
            made = Soak(served)
            tasks = [asyncio.create_task(made.call()) for _ in range(CALLERS)]
            ends_s = time.monotonic() + minutes * _MINUTE_S
            looks = 0
            while True:
                looks += 1
                sys.stdout.write(f"{looks - 1:3d} min  {made.calls:8d} calls  {made.look()}\n")
                sys.stdout.flush()
                if time.monotonic() >= ends_s:
                    break
                next_s = min(time.monotonic() + _MINUTE_S, ends_s)
                while (left_s := next_s - time.monotonic()) > 0:
                    await pause(min(1.0, left_s))
                    upstream.requests.clear()
            made.over = True
            await asyncio.gather(*tasks)
    return list(made.faults(looks))


def main(arguments: list[str]) -> int:
    """See the module."""
    minutes = float(arguments[0]) if arguments else MINUTES
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # of callers that have left, which is meant
    with TemporaryDirectory() as folder:
        faults = asyncio.run(soak(Path(folder), minutes))
    for fault in faults:
        sys.stdout.write(f"FAILS  {fault}\n")
    sys.stdout.write(json.dumps({"minutes": minutes, "holds": not faults}) + "\n")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
