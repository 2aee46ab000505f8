"""How a strict fake refuses: an exception with the provider's status and words."""

from __future__ import annotations


class Refusal(Exception):
    """A request that the provider would not serve. `kind`, `param` and `code` as its error object has them."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code
