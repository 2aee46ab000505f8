"""What is looked up in a script's source before it runs: its imports, and which calls it awaits.

Nothing here is a security boundary: what a script may call is asked anew for each call, and what it may import gives it
neither files nor a network. Imports are refused here so that the answer names the ones there are.
"""

from __future__ import annotations

import ast
from typing import Final

from asbru.mcp.code.limits import MODULES, ScriptError

_EVALUATING: Final = frozenset(("eval", "exec", "compile", "__import__"))
_GATHERING: Final = frozenset(("gather", "create_task", "wait_for"))


class Source:
    """A script that was looked at. `awaited`: where the calls begin (in bytes) whose result is awaited: they
    give a future, so that several run at a time."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.awaited: frozenset[int] = frozenset()
        try:
            # Awaits at the top are allowed, as in a notebook.
            tree = compile(
                code, "script", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
            )
        except SyntaxError as error:
            raise ScriptError("syntax", error.msg, error.lineno or 0) from None
        except (ValueError, RecursionError, MemoryError):
            raise ScriptError("syntax", "the script is nested too deeply or holds a null character") from None
        starts = _line_starts(code)
        found: set[int] = set()
        try:
            for node in ast.walk(tree):
                _check(node)
                for call in _awaited_calls(node):
                    found.add(starts[call.lineno - 1] + call.col_offset)
        except RecursionError:
            raise ScriptError("syntax", "the script is nested too deeply") from None
        self.awaited = frozenset(found)


def _check(node: ast.AST) -> None:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [one.name for one in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or "."]
    for name in names:
        if name not in MODULES:
            allowed = ", ".join(sorted(MODULES))
            raise ScriptError(
                "import", f"`{name}` cannot be imported; there are {allowed}", getattr(node, "lineno", 0)
            )
    if isinstance(node, ast.Name) and node.id in _EVALUATING:
        raise ScriptError("import", f"`{node.id}` is not there; write the code itself", node.lineno)


def _awaited_calls(node: ast.AST) -> list[ast.Call]:
    """The calls whose result `node` awaits: of `await f()` that of f, of `gather(...)` all in its arguments."""
    if isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
        return [node.value]
    if isinstance(node, ast.Call):
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name in _GATHERING:
            arguments = [*node.args, *(one.value for one in node.keywords)]
            return [one for argument in arguments for one in ast.walk(argument) if isinstance(one, ast.Call)]
    return []


def _line_starts(code: str) -> list[int]:
    """How many bytes stand before each line."""
    starts = [0]
    for line in code.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts
