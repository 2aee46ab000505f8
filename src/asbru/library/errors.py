"""What a call raises that ends in an error: what an HTTP caller would be sent, as an exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class CallError(Exception):
    """A call was refused, or failed. `status`: the HTTP status that stands for it; `body`: the error in the dialect of
    the call, as an HTTP caller would get it; `type` and `code` (perhaps None) as in there; `headers` in lower case.

    Of a stream that fails after it has begun, `status` is that of the error where it is known, else 200.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str,  # noqa: A002 -- the wire's own word for it
        code: str | None,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.headers = headers
        self.body = body

    @property
    def data(self) -> dict[str, Any]:
        """The body as an object."""
        return msgspec.json.decode(self.body, type=dict[str, Any])

    @property
    def id(self) -> str:
        """The id of the call, by which its record is found."""
        return self.headers.get("x-asbru-id", "")

    @property
    def retry_after_s(self) -> float | None:
        """When it is worth another try, where that is known."""
        try:
            return float(self.headers["retry-after"])
        except (KeyError, ValueError):
            return None
