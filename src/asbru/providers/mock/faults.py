"""Faults on request: what a model's name asks the mock to do wrong.

A name is `base`, `fault` or `base+fault` (`story+cut-5`). The grammar of faults is the table in README.md; this file
reads it. Faults that need a stream of some length answer as `story` when no base is named, the others as `echo`.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from asbru.providers.mock.prompt import Prompt, Refusal

MODELS = (
    *("echo", "story", "tools", "parallel", "json", "thinking", "vision"),
    *("embed", "moderate", "rank", "read", "paint", "speak", "listen"),
)
FLAKY_PROMPTS_MAX = 1024

_GRAMMAR = re.compile(
    r"(?P<kind>error|slow|cut|stall|flaky|pause)-(?P<number>\d{1,6})(?:-after-(?P<after>\d{1,4}))?"
    r"|(?P<bare>garbage|no-done|error-in-200|error-mid-stream|wrong-type)"
)
_LONG = {"cut", "stall", "no-done", "error-mid-stream", "pause"}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer with, and how to go wrong. Counts are events of a stream, or bytes of a whole body."""

    base: str
    slow_ms: int = 0
    pause_ms: int | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    error_after: int | None = None
    done: bool = True
    garbage: bool = False
    wrong_type: bool = False
    error_in_200: bool = False


_BARE = {
    "garbage": Plan(base="", garbage=True),
    "no-done": Plan(base="", done=False),
    "error-in-200": Plan(base="", error_in_200=True),
    "error-mid-stream": Plan(base="", error_after=4),
    "wrong-type": Plan(base="", wrong_type=True),
}


class Faults:
    """Reads names; remembers only how often each flaky prompt failed."""

    def __init__(self) -> None:
        self._failures: dict[bytes, int] = {}

    def plan(self, prompt: Prompt) -> Plan:
        """How to answer `prompt`; raises `Refusal` where the name asks for an error, or means nothing."""
        base, _, fault = prompt.model.rpartition("+")
        if not base and fault in MODELS:
            return Plan(base=fault)
        read = _GRAMMAR.fullmatch(fault)
        if read is None or (base and base not in MODELS):
            names = ", ".join(MODELS)
            raise Refusal(
                404, f"The model `{prompt.model}` does not exist: there are {names}", code="model_not_found"
            )
        kind = read["kind"] or read["bare"]
        base = base or ("story" if kind in _LONG else "echo")
        if read["bare"]:
            return msgspec.structs.replace(_BARE[kind], base=base)
        return self._counted(kind, base, (int(read["number"]), read["after"]), prompt)

    def _counted(self, kind: str, base: str, given: tuple[int, str | None], prompt: Prompt) -> Plan:
        number, after = given
        match kind:
            case "error":
                status = number if 400 <= number <= 599 else 500
                raise Refusal(status, f"The mock was asked for status {status}", retry_after=after)
            case "flaky":
                self._fail_first(number, prompt)
                return Plan(base=base)
            case "slow":
                return Plan(base=base, slow_ms=number)
            case "pause":
                return Plan(base=base, pause_ms=number)
            case "cut":
                return Plan(base=base, cut_after=number)
            case _:
                return Plan(base=base, stall_after=number)

    def _fail_first(self, times: int, prompt: Prompt) -> None:
        """Refuse the first `times` askings of a prompt, then let one through and begin anew."""
        key = hashlib.sha256(f"{prompt.model}\n{prompt.last_user}".encode("utf-8", "surrogatepass")).digest()
        failed = self._failures.pop(key, 0)
        if failed >= times:
            return
        while len(self._failures) >= FLAKY_PROMPTS_MAX:
            del self._failures[next(iter(self._failures))]
        self._failures[key] = failed + 1
        raise Refusal(500, f"The mock fails {times} times for this prompt; this was number {failed + 1}")
