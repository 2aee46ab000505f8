"""Sessions of agents: what the calls that name the same session come to, by virtual key, team and name.

`add` keeps the sums of each session, in the transaction that writes its records, so that a list of sessions costs what
is listed and not what the sessions have called; `search` lists them. The calls themselves are records (`records.query`,
by the column `session`).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asbru.records.sessions import add, search

__all__ = ["add", "search"]
