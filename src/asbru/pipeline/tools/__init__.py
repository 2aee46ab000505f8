"""Tools on the path: a call to a tool of an MCP server is a call like any other, and this is its middle.

Not here: what servers are and offer, who may use it, and the protocol (`mcp`); HTTP (`edge`).
"""

from asbru.pipeline.tools.asked import Asked, Client
from asbru.pipeline.tools.local import answer, listening, take_questions
from asbru.pipeline.tools.replies import take_aside
from asbru.pipeline.tools.subscriptions import Subscriptions
from asbru.pipeline.tools.tool_call import NARROWED, bare_tool_call, is_call, tool_call
from asbru.pipeline.tools.toolbox import Toolbox

__all__ = [
    "NARROWED",
    "Asked",
    "Client",
    "Subscriptions",
    "Toolbox",
    "answer",
    "bare_tool_call",
    "is_call",
    "listening",
    "take_aside",
    "take_questions",
    "tool_call",
]
