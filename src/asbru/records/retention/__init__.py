"""What is kept of calls, and for how long: the settings, and deleting in small steps what is older or too much.

It refuses to delete before it has been told the settings: a default could be shorter than what is wanted.
"""

from typing import TYPE_CHECKING

from asbru.records.retention.settings import SETTINGS, RecordSettings, read_settings, write_settings

if TYPE_CHECKING:
    from asbru.records.retention import sweep

__all__ = ["SETTINGS", "RecordSettings", "read_settings", "sweep", "write_settings"]
