"""Admin: the management API, and later the UI. Served by the control process alone, on a Unix socket.

One file per noun, each with its routes; `build_application` makes an application of them. A route that does not
declare itself open is refused to whoever has no credential. It refuses to know processes, and how it is reached.
"""

from asbru.admin import status
from asbru.admin.access import OPEN
from asbru.admin.application import build_application

__all__ = ["OPEN", "build_application", "status"]
