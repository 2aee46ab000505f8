"""Whether a definition gives a model orders: the heuristics against prompt injection, over all text that a server has
put into it, and text that people do not see.

They find what is written plainly, and no more. What is found is told with the definition; whether it is held back until
somebody has looked at it, the server's setting says.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from asbru.telemetry import log

if TYPE_CHECKING:
    from asbru.guardrails import Finding
    from asbru.mcp.catalogue import Definition
    from asbru.mcp.servers import Server

REMEMBERED_MAX: Final = 50_000
_CHECK: Final = "injection"
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_DISGUISED: Final = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
"""Characters that turn the direction of text, and letters that are not shown at all."""


class Suspicions:
    """See the module. What was judged is remembered by its digest."""

    def __init__(self) -> None:
        self._judge: Callable[[list[str]], list[Finding]] | None = None
        self._judged: OrderedDict[str, str] = OrderedDict()

    def of(self, server: Server) -> Callable[[Definition], str]:
        """What judges the definitions of a server: names what was found in one, "" for nothing."""
        if server.injections == "ignore":
            return lambda _: ""

        def judge(definition: Definition) -> str:
            found = self._judged.get(definition.digest)
            if found is None:
                found = self._judged[definition.digest] = ", ".join(self._found(definition.definition))
                if len(self._judged) > REMEMBERED_MAX:
                    self._judged.popitem(last=False)
                if found:
                    log(
                        "warning",
                        "a definition of an MCP server looks like an attempt at prompt injection",
                        server=server.name,
                        name=definition.name[:200],
                        found=found,
                    )
            return found

        return judge

    def _found(self, definition: bytes) -> list[str]:
        if self._judge is None:
            from asbru.guardrails.checks import make_judge  # loads RE2

            self._judge = cast("Any", make_judge(_CHECK, {})).judge
            assert self._judge is not None, "it is pure, and has one"
        try:
            text = "\n".join(_texts(msgspec.json.decode(definition)))
        except RecursionError:
            return ["nested too deep"]
        found = {one.kind: None for one in self._judge([_INVISIBLE.sub("", text)])}
        return [*found, *(["disguised"] if _DISGUISED.search(text) else [])]


def _texts(value: Any) -> Iterator[str]:
    """Every text in it, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in cast("list[Any]", value):
            yield from _texts(one)
    elif isinstance(value, dict):
        for name, one in cast("dict[str, Any]", value).items():
            yield name
            yield from _texts(one)
