"""A day of sample traffic: records of calls that never took place, marked by a tag, for a first look.

The day is made of tables and a seed (`day`), its bodies by surface (`talk`), and is written and removed in small steps
(`write`), with the sums that it changed. Nothing of it passes the path, and no provider is asked.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asbru.records.sample import day, talk, write

__all__ = ["day", "talk", "write"]
