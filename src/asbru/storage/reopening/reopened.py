"""The connection to a database, and when it is tried again.

    closed --connect()--> open --fail()--> closed, not to be tried before `retry_at_s` --connect()--> open --succeed()

A pause is `first_s` after the first failure and doubles up to `max_s`; a success makes it small again. No clock of its
own: times are the caller's.
"""

from __future__ import annotations

from asbru.storage import Database, open_database


class Reopened:
    """See the module. `retry_at_s`: when to try again; None while all is well."""

    def __init__(self, url: str, *, first_s: float, max_s: float) -> None:
        self.retry_at_s: float | None = None
        self._url = url
        self._first_s = self._pause_s = first_s
        self._max_s = max_s
        self._database: Database | None = None

    def connect(self) -> Database:
        """The database, opened if it is not. Raises what `open_database` does."""
        if self._database is None:
            self._database = open_database(self._url)
        return self._database

    def close(self) -> None:
        """Close it; the next `connect` opens it anew."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def waits(self, now_s: float) -> bool:
        """Whether it is too early to try again."""
        return self.retry_at_s is not None and now_s < self.retry_at_s

    def fail(self, now_s: float) -> bool:
        """Put the next try off; whether this is the first failure since all was well. Closes nothing: what was only
        locked is as good as before, but a failed disk may leave an old connection useless."""
        first = self.retry_at_s is None
        self.retry_at_s = now_s + self._pause_s
        self._pause_s = min(self._pause_s * 2, self._max_s)
        return first

    def succeed(self) -> bool:
        """All is well; whether it was not before."""
        failed = self.retry_at_s is not None
        self.retry_at_s = None
        self._pause_s = self._first_s
        return failed
