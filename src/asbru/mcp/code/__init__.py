"""Code mode: tools as Python functions that a model reads about when it needs them and calls from a script.

Not here: who may use which tool, how a tool is called (`ToolCaller`), and how the four meta-tools are offered.
"""

from asbru.mcp.code.library import Library
from asbru.mcp.code.limits import ScriptError, ScriptLimits
from asbru.mcp.code.meta_tools import META_TOOLS, Answer, answer, ran, shown
from asbru.mcp.code.sandbox import Sandbox
from asbru.mcp.code.script import Done, Script, Suspended

__all__ = [
    "META_TOOLS",
    "Answer",
    "Done",
    "Library",
    "Sandbox",
    "Script",
    "ScriptError",
    "ScriptLimits",
    "Suspended",
    "answer",
    "ran",
    "shown",
]
