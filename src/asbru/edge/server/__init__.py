"""Our own HTTP/1.1 server: bytes to requests and responses to bytes, with a bound and a deadline on everything.

It refuses to know any path, dialect or key. Handlers get one request at a time per connection and answer through
`connection.response`. If the caller leaves first, what runs in `connection.stepper` is closed and
`connection.on_gone` is called.
"""

from asbru.edge.limits import ServerLimits
from asbru.edge.server.protocol import ServerConnection
from asbru.edge.server.request import Head, HeaderAction, HeaderPlans, Request
from asbru.edge.server.response import ResponseWriter
from asbru.edge.server.server import SWEEP_S, Server, bind
from asbru.edge.server.websocket import WebSocket

__all__ = [
    "SWEEP_S",
    "Head",
    "HeaderAction",
    "HeaderPlans",
    "Request",
    "ResponseWriter",
    "Server",
    "ServerConnection",
    "ServerLimits",
    "WebSocket",
    "bind",
]
