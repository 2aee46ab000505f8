"""A script as a model follows it without code mode: each call of a tool is asked for, and its result is read.

The same script runs in the sandbox with code mode. So both ways make the same calls; the model makes calls of one
`gather` in one turn here, as models do with calls that do not depend on each other.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Coroutine, Generator, Iterable
from types import SimpleNamespace
from typing import Any


class Call:
    """A call that a script waits for."""

    def __init__(self, server: str, tool: str, arguments: dict[str, Any]) -> None:
        self.server = server
        self.tool = tool
        self.arguments = arguments

    def __await__(self) -> Generator[list[Call], list[Any], Any]:
        return (yield [self])[0]


class _Gathered:
    """Several calls at the same time."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self._calls = list(calls)

    def __await__(self) -> Generator[list[Call], list[Any], list[Any]]:
        return (yield self._calls) if self._calls else []


class _Server:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, tool: str) -> Any:
        def call(**arguments: Any) -> Call:
            return Call(self._name, tool, arguments)

        return call


def _gather(*calls: Call) -> _Gathered:
    return _Gathered(calls)


_ASYNCIO = SimpleNamespace(gather=_gather)


def _import(name: str, *more: Any) -> Any:
    return _ASYNCIO if name == "asyncio" else __import__(name, *more)


def follow(script: str, names: dict[str, Any]) -> Generator[list[Call], list[Any], Any]:
    """Follow a script: yields the calls that it waits for, is sent their results, and returns its `result`. `names`:
    what the script knows besides servers."""
    code = compile(script, "script", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    servers = {server: _Server(server) for server, _ in used(script)}
    scope: dict[str, Any] = {"__builtins__": {**vars(builtins), "__import__": _import}, **servers, **names}
    running: Coroutine[list[Call], list[Any], None] | None = eval(code, scope)  # our own scripts
    if running is not None:
        try:
            calls = running.send(None)  # type: ignore[arg-type]  # a coroutine begins with None
            while True:
                calls = running.send((yield calls))
        except StopIteration:
            pass
    return scope.get("result")


def used(script: str) -> dict[tuple[str, str], set[str]]:
    """The tools that a script calls, with the arguments that it gives to each."""
    tree = compile(script, "script", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    found: dict[tuple[str, str], set[str]] = {}
    awaited: set[ast.AST] = set()
    for node in ast.walk(tree):
        inner = [node.value] if isinstance(node, ast.Await) else []
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.gather":
            inner = list(node.args)
        awaited.update(one for part in inner for one in ast.walk(part))
    for node in awaited:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of = node.func.value
        if isinstance(of, ast.Name) and of.id != "asyncio" and node.keywords:
            found.setdefault((of.id, node.func.attr), set()).update(str(one.arg) for one in node.keywords)
    return found
