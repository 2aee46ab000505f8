"""What administrators do with MCP servers, as messages: the control process asks, the tools process answers.

Not here: how the question gets there, and who may ask.
"""

from asbru.mcp.manage.messages import MANAGE_SUBJECT, Chosen, Grant, Manage, Managed, Pinned, Verb

__all__ = ["MANAGE_SUBJECT", "Chosen", "Grant", "Manage", "Managed", "Pinned", "Verb"]
