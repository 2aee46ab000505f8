"""The one tree of errors that a call can end with.

    AsbruError
    |- CallerError            the caller must change something      (blame: caller)
    |    BadRequest 400  Unauthenticated 401  Forbidden 403  NotFound 404  MethodNotAllowed 405
    |    RequestTimeout 408  Conflict 409  TooLarge 413  UpgradeRequired 426  HeadTooLarge 431
    |    UnsupportedByProvider 400
    |    LimitReached        of an owner's or a target's limit, with the amounts: BudgetExceeded 402  RateLimited 429
    |    PriceUnknown 403    a budget holds, and what the target costs is not known
    |    GuardrailBlocked 400
    |- UpstreamError          the provider failed or refused         (blame: upstream)
    |    carries the provider's own status, code and message; 5xx of ours where it sent none:
    |    502 upstream_unreachable | upstream_protocol | upstream_cut | upstream_fault | upstream_address_refused
    |    504 upstream_timeout, 502 upstream_credentials_exhausted, 429 rate_limit_exceeded (every key rests)
    '- GatewayError           Asbru cannot serve now                 (blame: us)
         Overloaded 503, LedgerAway 503 (both with Retry-After), GuardrailUnavailable 503, else 500
         internal_error

An error is turned into bytes once, at the door, in the caller's dialect. `message` says what was expected, what
came and what to do. Decisions inside rooms return verdicts; these are for what ends a call.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

ERROR_BYTES_MAX = 64 * 1024
"""How much is read of the body of a provider's error, in bytes: it says what it has to say at its beginning."""

Blame: TypeAlias = Literal["caller", "upstream", "us"]


class AsbruError(Exception):
    """Base: a call ends here. `status` HTTP status; `type` the family (OpenAI's words); `code` stable, for machines."""

    status: int = 500
    type: str = "api_error"
    code: str = "internal_error"
    blame: Blame = "us"
    by_stage: bool = False
    """Raised by a stage: final, whatever kind it is, and no word of the target's."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        type: str | None = None,  # noqa: A002 -- the wire's own word for it
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        if status is not None:
            self.status = status
        if code is not None:
            self.code = code
        if type is not None:
            self.type = type

    def let_go(self) -> None:
        """Forget where it was raised. Those frames hold the call and its body, which hold the error: such a circle
        would wait for the garbage collector. For errors that are told to a caller, never for bugs."""
        self.__traceback__ = self.__cause__ = self.__context__ = None


class CallerError(AsbruError):
    """The caller must change something."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_request"
    blame = "caller"


class BadRequest(CallerError):
    """The request is malformed or a value is not acceptable."""


class UnsupportedByProvider(CallerError):
    """The provider asked for does not offer this operation or input."""

    code = "unsupported_by_provider"


class Unauthenticated(CallerError):
    """No virtual key, or one that is not known."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class Forbidden(CallerError):
    """The key is known but not allowed to do this."""

    status = 403
    type = "permission_error"
    code = "forbidden"


class NotFound(CallerError):
    """No such path or model."""

    status = 404
    type = "not_found_error"
    code = "not_found"


class MethodNotAllowed(CallerError):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"


class RequestTimeout(CallerError):
    """The request did not arrive in time."""

    status = 408
    code = "request_timeout"


class Conflict(CallerError):
    """What is there already does not go together with what was asked."""

    status = 409
    code = "conflict"


class TooLarge(CallerError):
    """The body is over the limit named in the message."""

    status = 413
    type = "request_too_large"
    code = "body_too_large"


class UpgradeRequired(CallerError):
    """An upgrade (WebSocket) was asked for where it is not offered."""

    status = 426
    code = "upgrade_unsupported"


class HeadTooLarge(CallerError):
    """The head is over the limit named in the message."""

    status = 431
    code = "head_too_large"


class PriceUnknown(CallerError):
    """A budget holds for the call, and nobody knows what the target asks for it."""

    status = 403
    type = "permission_error"
    code = "price_unknown"


class LimitReached(CallerError):
    """A limit has no room for the call. `owner`: whose limit it is ("team/blue", "model/openai/gpt-4o"); `metric`:
    "cost" (amounts are nano-dollars), else what is counted; `spent` holds what calls under way have reserved;
    `resets_at_ms`: when there may be room again (Unix time), None where that depends on other calls alone."""

    def __init__(
        self,
        message: str,
        *,
        owner: str = "",
        metric: str = "",
        amount: int = 0,
        spent: int = 0,
        resets_at_ms: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.owner = owner
        self.metric = metric
        self.amount = amount
        self.spent = spent
        self.resets_at_ms = resets_at_ms


class BudgetExceeded(LimitReached):
    """What is left of a budget does not cover the call."""

    status = 402
    type = "billing_error"
    code = "budget_exceeded"


class RateLimited(LimitReached):
    """A rate limit, or a limit on calls at once, has no room."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class GuardrailBlocked(CallerError):
    """A guardrail rule refuses a request or a reply. `place`: where something was found; `kinds`: what, in words, but
    never the text itself."""

    code = "guardrail_blocked"
    by_stage = True

    def __init__(self, rule: str, place: str, kinds: str) -> None:
        super().__init__(f"the guardrail rule '{rule}' does not allow this: {place} contains {kinds}")


class UpstreamError(AsbruError):
    """The provider failed or refused. `body` is its own answer, kept for callers of the same dialect; `lines` are the
    header lines that came with it and go back to any caller, each ending with CRLF. `whole_key`: the provider said that
    it concerns the key whatever the model (its credit is used up).

    `detail`: the message for operators, where that for callers says less.

    `kind`: status (it answered with an error), fault (an error inside a 200 or a stream), network, protocol,
    deadline, cut (the stream ended before its end), exhausted (no key is left to try).
    """

    status = 502
    type = "api_error"
    code = "upstream_error"
    blame = "upstream"
    lines: bytes = b""
    detail: str = ""
    whole_key = False
    stale_key = False
    """The provider said that the credential is no good any more, by other means than a 401: another may be."""

    def __init__(
        self,
        message: str,
        *,
        kind: str = "status",
        status: int | None = None,
        code: str | None = None,
        type: str | None = None,  # noqa: A002 -- the wire's own word for it
        param: str | None = None,
        retry_after_s: float | None = None,
        body: bytes | None = None,
        content_type: bytes | None = None,
        dialect: str = "",
    ) -> None:
        super().__init__(message, status=status, code=code, type=type, param=param, retry_after_s=retry_after_s)
        self.kind = kind
        self.body = body
        self.content_type = content_type
        self.dialect = dialect


class GatewayError(AsbruError):
    """Asbru cannot serve this now."""

    status = 500


class Overloaded(GatewayError):
    """A bound was reached: too many calls in flight, or none of the pools had room."""

    status = 503
    type = "overloaded_error"
    code = "overloaded"


class LedgerAway(GatewayError):
    """The store of limits does not answer, and what this process holds does not cover the call."""

    status = 503
    type = "overloaded_error"
    code = "ledger_unavailable"


class GuardrailUnavailable(GatewayError):
    """A check of a guardrail rule failed, and the rule lets nothing pass unchecked."""

    status = 503
    code = "guardrail_unavailable"
    by_stage = True

    def __init__(self, rule: str, check: str, why: str) -> None:
        super().__init__(f"the guardrail rule '{rule}' could not be applied: its check '{check}' {why}")
        self.rule = rule
