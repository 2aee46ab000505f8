"""The four tools that stand for all others: what a model is offered in code mode, and what they answer.

    listToolFiles      which servers and tools there are
    readToolFile       the stubs of a file
    getToolDocs        one tool with all that is known of it
    executeToolCode    runs a script

Answers are texts that a model can act on. Only what a script prints and its `result` come back; the results of its
calls stay out of the conversation.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

import msgspec

from asbru.mcp.code.library import Library
from asbru.mcp.code.limits import MODULES, ScriptError
from asbru.mcp.code.script import Done, Script, Suspended

LINES_MAX: Final = 2_000


class MetaTool(msgspec.Struct, frozen=True):
    """A tool as it is offered. `schema`: of its arguments."""

    name: str
    description: str
    schema: dict[str, Any]

    @property
    def definition(self) -> bytes:
        """As a server would list it."""
        reads_only = self.name != EXECUTE
        told = {"name": self.name, "description": self.description, "inputSchema": self.schema}
        return msgspec.json.encode({**told, "annotations": {"readOnlyHint": reads_only}})


class Answer(msgspec.Struct, frozen=True):
    """What a meta-tool answers; `suspended` where a script waits for approval."""

    text: str
    is_error: bool = False
    suspended: Suspended | None = None


def _object(required: tuple[str, ...] = (), **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


LIST: Final = "listToolFiles"
READ: Final = "readToolFile"
DOCS: Final = "getToolDocs"
EXECUTE: Final = "executeToolCode"

META_TOOLS: Final = (
    MetaTool(LIST, "Lists the files that describe the tools you can call from Python code.", _object()),
    MetaTool(
        READ,
        "Reads a file of tool signatures (Python stubs).",
        _object(
            ("fileName",),
            fileName={"type": "string", "description": "As listed by listToolFiles."},
            startLine={"type": "integer", "minimum": 1, "description": "First line, from 1."},
            endLine={"type": "integer", "minimum": 1, "description": "Last line."},
        ),
    ),
    MetaTool(
        DOCS,
        "The full description of one tool: all arguments, its result, an example.",
        _object(("server", "tool"), server={"type": "string"}, tool={"type": "string"}),
    ),
    MetaTool(
        EXECUTE,
        "Runs Python code that calls tools as functions: `issue = github.get_issue(number=1)`. Calls return plain "
        "values and raise exceptions. Set `result` to what you need back, or print it: nothing else returns. To run "
        "calls at the same time: `await asyncio.gather(github.get_issue(number=1), github.get_issue(number=2))`. "
        f"Each run starts fresh. Modules: {', '.join(sorted(MODULES - {'typing'}))}. No files, no network.",
        _object(("code",), code={"type": "string", "description": "The script."}),
    ),
)
NAMES: Final = frozenset(one.name for one in META_TOOLS)


async def answer(name: str, arguments: dict[str, Any], library: Library, script: Script) -> Answer:
    """What the meta-tool `name` answers."""
    if name == LIST:
        return Answer(library.tree())
    if name == READ:
        return _read(library, arguments)
    if name == DOCS:
        return _document(library, str(arguments.get("server", "")), str(arguments.get("tool", "")))
    code = arguments.get("code")
    if not isinstance(code, str):
        return Answer("`code` must be a text.", is_error=True)
    return await ran(script.run(code), library)


async def ran(run: Awaitable[Done | Suspended], library: Library) -> Answer:
    """What a run of a script comes to."""
    try:
        return shown(await run)
    except ScriptError as error:
        return Answer(_told(error, library), is_error=True)


def shown(outcome: Done | Suspended) -> Answer:
    """What a model is told of a run."""
    printed = f"Printed:\n{outcome.printed}\n" if outcome.printed else ""
    if isinstance(outcome, Suspended):
        call = outcome.pending
        text = f"{printed}The script waits: {call.server}/{call.tool}({call.arguments.decode()}) needs approval."
        return Answer(text, suspended=outcome)
    if outcome.result is not None:
        return Answer(f"{printed}Result:\n{outcome.result.decode()}")
    return Answer(printed or "The script ended without a result: set `result`, or print something.")


def _read(library: Library, arguments: dict[str, Any]) -> Answer:
    text = library.read(str(arguments.get("fileName", "")))
    if text is None:
        return Answer(f"There is no such file. There are:\n{library.tree()}", is_error=True)
    lines = text.splitlines()
    first, last = _line(arguments.get("startLine"), 1), _line(arguments.get("endLine"), len(lines))
    part = lines[first - 1 : min(last, first - 1 + LINES_MAX)]
    return Answer("\n".join((f"# Lines {first} to {first - 1 + len(part)} of {len(lines)}", *part)))


def _document(library: Library, server: str, tool: str) -> Answer:
    name = next((one.name for one in library.servers.values() if server in (one.name, one.server)), "")
    found = library.servers.get(name)
    stub = (
        None
        if found is None
        else found.tools.get(tool) or next((one for one in found.tools.values() if one.tool == tool), None)
    )
    if stub is None:
        return Answer(f"There is no such tool. There are:\n{library.tree()}", is_error=True)
    return Answer(stub.full(name))


def _line(given: object, default: int) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) and given >= 1 else default


def _told(error: ScriptError, library: Library) -> str:
    place = f" in line {error.line}" if error.line else ""
    servers = ", ".join(library.servers)
    return f"The script failed{place} ({error.kind}): {error.text}" + (f"\nServers: {servers}" if servers else "")
