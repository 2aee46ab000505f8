"""Asbru inside an application: `asbru.Gateway`, the same path as served, without an HTTP server or other processes.

It refuses to be another path: calls enter by the door that HTTP requests enter by. Not here: reloading, the management
API, the web UI and metrics, which a served gateway has.
"""

from asbru.app.config import ConfigRefusedError
from asbru.library.errors import CallError
from asbru.library.gateway import Gateway
from asbru.library.reply import Reply, Stream

__all__ = ["CallError", "ConfigRefusedError", "Gateway", "Reply", "Stream"]
