"""HTTP APIs as tools: documents of OpenAPI and Postman read as tools, requests built, responses turned into results.

Not here: where documents come from, who chooses among their tools, and the sending.
"""

from asbru.mcp.openapi.api import Api, ApiTool, DocumentError, read_tools, write_tools
from asbru.mcp.openapi.forwarding import filled, flaws_of, names_in
from asbru.mcp.openapi.openapi import read_openapi
from asbru.mcp.openapi.postman import read_postman
from asbru.mcp.openapi.requests import build_request
from asbru.mcp.openapi.responses import result_of

__all__ = [
    "Api",
    "ApiTool",
    "DocumentError",
    "build_request",
    "filled",
    "flaws_of",
    "names_in",
    "read_openapi",
    "read_postman",
    "read_tools",
    "result_of",
    "write_tools",
]
