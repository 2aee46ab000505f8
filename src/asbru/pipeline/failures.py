"""What operators hear of failures: a log line for each attempt that failed, each key that cools down, each target that
is passed over and each fallback, which is counted too. Decides nothing; good calls never come here.

    attempt failed     provider, model, key, status, reason, code, whether anything was sent, the provider's words
    key cools down     provider, key, status, for how long, and for which model where it is for one
    target passed over provider, model, and why nothing was sent to it
    fallback           from which target to which, and why
"""

from __future__ import annotations

from asbru.core.errors import AsbruError, UpstreamError
from asbru.pipeline.call import Attempt, Call, PassedOver
from asbru.pipeline.rooms import Rooms
from asbru.routing import Key, Target, why_unusable
from asbru.telemetry import names

WORDS_CHARS_MAX = 200
MODEL_CHARS_MAX = 200
KEYS_NOTED_MAX = 8
_WAY_KINDS = ("network", "protocol", "deadline", "cut")
_STATUS_KINDS = ("status", "fault")


def reason_of(error: AsbruError) -> str:
    """Why an attempt failed, in one word: the provider's status, what went wrong on the way (`network`, `deadline` ...)
    or the code of our own refusal."""
    if not isinstance(error, UpstreamError):
        return error.code
    return str(error.status) if error.kind in _STATUS_KINDS else error.kind


def words_of(error: AsbruError) -> str:
    """What it said to operators, bounded; not the words of a 401, which may show parts of the key."""
    said = (isinstance(error, UpstreamError) and error.detail) or error.message
    return "" if error.status == 401 else said[:WORDS_CHARS_MAX]


def name_provider(made: Attempt, error: AsbruError) -> None:
    """Callers are told the provider's name in place of the address or the path of a socket, which operators see."""
    if isinstance(error, UpstreamError) and error.kind in _WAY_KINDS:
        error.detail = error.detail or error.message
        address, provider = str(made.endpoint.pool.origin), made.target.provider.name
        error.message = error.message.replace(address, f"the provider '{provider}'")


def attempt_failed(call: Call, made: Attempt, error: AsbruError, rooms: Rooms, *, callers_own: bool) -> None:
    """An attempt came to nothing, or broke off. `callers_own`: the caller's own mistake, which no target forgives."""
    provider, reason = made.target.provider.name, reason_of(error)
    rooms.failures.say(
        rooms.clock(),
        "info" if callers_own or error.blame == "caller" else "warning",
        "attempt failed",
        (provider, made.key.name, reason),
        call=call.id.decode(),
        provider=provider,
        model=made.served_model[:MODEL_CHARS_MAX],
        key=made.key.name,
        status=error.status,
        reason=reason,
        code=error.code,
        sent=made.sent,
        ms=int(made.took_s * 1000),
        message=words_of(error),
    )


def _is_of_model(error: UpstreamError) -> bool:
    """Whether a key is passed over for one model only."""
    return error.status == 403 or (error.status == 429 and not error.whole_key)


def key_cools_down(target: Target, key: Key, error: UpstreamError, rooms: Rooms, *, seconds: float) -> None:
    """A key is passed over for a while."""
    provider, reason = target.provider.name, reason_of(error)
    rooms.failures.say(
        rooms.clock(),
        "warning",
        "key cools down",
        (provider, key.name, reason),
        provider=provider,
        key=key.name,
        model=target.model[:MODEL_CHARS_MAX] if _is_of_model(error) else "*",
        reason=reason,
        seconds=round(seconds, 3),
    )


def pass_over(call: Call, target: Target, error: AsbruError, rooms: Rooms) -> None:
    """Nothing is sent to a target: noted in the call, key by key where it is for their sake, and told."""
    now_s = rooms.clock()
    provider = target.provider.name
    keys = why_unusable(target.provider, target.model, now_s) if isinstance(error, UpstreamError) else []
    at = len(call.attempts)
    noted = [PassedOver(target, key, why, at) for key, why in keys[:KEYS_NOTED_MAX]]
    call.passed_over += tuple(noted) or (PassedOver(target, "", words_of(error), at),)
    rooms.failures.say(
        now_s,
        "info" if error.blame == "caller" else "warning",
        "target passed over",
        (provider, reason_of(error)),
        call=call.id.decode(),
        provider=provider,
        model=target.model[:MODEL_CHARS_MAX],
        reason=reason_of(error),
        message=words_of(error),
    )


def tried_again(made: Attempt, key: Key, error: AsbruError, rooms: Rooms) -> None:
    """Another attempt at the same target follows, with the same key or another one: it is counted."""
    provider, reason = made.target.provider.name, reason_of(error)
    if key is made.key:
        model = rooms.meter.model_label(provider, made.served_model)
        rooms.meter.counter(names.RETRIES, (provider, model, reason)).add()
    else:
        rooms.meter.counter(names.KEY_ROTATIONS, (provider, made.key.name, reason)).add()


def fell_back(call: Call, failed: tuple[Target, AsbruError], target: Target, rooms: Rooms) -> None:
    """The call goes on with another target."""
    before, error = failed
    reason = reason_of(error)
    provider = target.provider.name
    model = rooms.meter.model_label(provider, target.model)
    rooms.meter.counter(names.FALLBACKS, (before.provider.name, provider, model, reason)).add()
    rooms.failures.say(
        rooms.clock(),
        "warning",
        "fallback",
        (before.provider.name, target.provider.name, reason),
        call=call.id.decode(),
        target=str(before)[:MODEL_CHARS_MAX],
        to=str(target)[:MODEL_CHARS_MAX],
        reason=reason,
        message=words_of(error),
    )
