"""What the store of records says about how things are: the calls of the last minutes, and how much it holds.

Reads only, and a bounded number of rows each time. It refuses to know what is asked of single records.
"""

from asbru.records.health.extent import Extent, read_extent
from asbru.records.health.recent import Activity, LastError, Recent, read_recent

__all__ = ["Activity", "Extent", "LastError", "Recent", "read_extent", "read_recent"]
