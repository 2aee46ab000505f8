"""Admin: the management API, and the files of the web UI. Served by the control process alone, on a Unix socket.

One file per noun, each with its routes; `build_application` makes an application of them. Everything that changes
something goes through `Act`. A route that does not declare itself open is refused to whoever has no credential. It
refuses to know processes, and how it is reached.
"""

from asbru.admin import api_preview, kinds, status, tool_servers
from asbru.admin.access import OPEN
from asbru.admin.act import Act
from asbru.admin.application import build_application
from asbru.admin.declared_file import Declared, DeclaredFile
from asbru.admin.management import Management
from asbru.admin.observed import ProcessStatus, ServedBy

__all__ = [
    "OPEN",
    "Act",
    "Declared",
    "DeclaredFile",
    "Management",
    "ProcessStatus",
    "ServedBy",
    "api_preview",
    "build_application",
    "kinds",
    "status",
    "tool_servers",
]
