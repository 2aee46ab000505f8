"""Attempts: targets in order, keys of a target in turn, retries on a key, until the first content byte.

    what came back                         what happens next
    401, 402, 403                          the key rests a minute (403: for this model), the next key at once
    429                                    the key rests for Retry-After (at most a minute), the next key at once
    5xx, network, protocol, fault, cut     the same key again after a pause, up to `retries.max` times
    deadline                               the next target: the caller has waited long enough
    408                                    the next target
    404 that means an unknown model        the next target
    any other 4xx                          the caller's own: it is told

A target whose keys are all used up or resting is exhausted, which also leads to the next target. When no target is
left the caller hears what the first one said. Every attempt is made anew from the caller's own request.
"""

from __future__ import annotations

from collections.abc import Sequence

from asbru.core.errors import AsbruError, NotFound, UnsupportedByProvider, UpstreamError
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.endpoint import NO_KEY, Endpoint
from asbru.pipeline.local_count import count_locally
from asbru.pipeline.operations import COUNT_TOKENS
from asbru.pipeline.replies import Reply
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.send import send
from asbru.pipeline.stepper import pause
from asbru.routing import (
    REST_REFUSED_S,
    Key,
    Target,
    choose_key,
    limited_for_s,
    rest_limited_s,
    retry_pause_s,
)

_REFUSED = (401, 402, 403)
_RETRIED_KINDS = frozenset({"network", "protocol", "cut"})
_ATTEMPTS_MAX = 64
"""Attempts at one target, whatever the configuration says: keys times retries must end."""


async def attempt(call: Call, targets: Sequence[Target], rooms: Rooms) -> Reply:
    """The first good answer of `targets`; raises what the first target said when there is none."""
    first: AsbruError | None = None
    for target in targets:
        endpoint = rooms.endpoints[target.provider.name]
        call.target = target
        try:
            if not endpoint.offers(call.operation):
                if call.operation == COUNT_TOKENS:
                    return await count_locally(call, rooms)
                endpoint.check_offers(call.operation)
            return await _try_target(call, target, endpoint, rooms)
        except UpstreamError as error:
            if not falls_back(error):
                raise
            first = first or error
        except (UnsupportedByProvider, NotFound) as error:  # this target's lack: another may have it
            first = first or error
    assert first is not None
    raise first


def falls_back(error: UpstreamError) -> bool:
    """Whether another target may do better."""
    status = error.status
    if error.kind != "status":
        return True
    return status in (408, 429) or status >= 500 or (status == 404 and _is_unknown_model(error))


def _is_unknown_model(error: UpstreamError) -> bool:
    return "model" in (error.code or "") or "model" in error.message.lower()


async def _try_target(call: Call, target: Target, endpoint: Endpoint, rooms: Rooms) -> Reply:
    """The first good answer of one target's keys."""
    route = target.provider
    tried: set[str] = set()
    retries = 0
    last: UpstreamError | None = None
    key: Key | None = None
    for _ in range(_ATTEMPTS_MAX):
        began_s = rooms.clock()
        if key is None:
            key = NO_KEY if route.keyless else choose_key(route, target.model, tried, began_s, chance=rooms.chance())
        if key is None:
            break
        try:
            reply = await send(call, key, endpoint, rooms)
        except UpstreamError as error:
            _log_attempt(call, key, error, rooms.clock() - began_s)
            last = error
            if _rest(key, target, error, rooms.clock()):
                tried.add(key.name)
                key = None
                if route.keyless:
                    break
            elif retries < route.retries.max and _is_retried(error):
                policy = route.retries
                seconds = retry_pause_s(retries, policy.pause_initial_s, policy.pause_max_s, rooms.chance())
                retries += 1
                await pause(rooms.loop, seconds)
            else:
                raise
        else:
            call.key_name = key.name
            if call.attempts:
                call.attempts += (Attempt(target, key.name, reply.status, "ok", took_s=rooms.clock() - began_s),)
            return reply
    raise _exhausted(target, last, rooms.clock())


def _is_retried(error: UpstreamError) -> bool:
    if error.kind in _RETRIED_KINDS:
        return True
    return error.kind in ("status", "fault") and error.status >= 500


def _rest(key: Key, target: Target, error: UpstreamError, now_s: float) -> bool:
    """Let the key rest if the answer was about the key; True if it was."""
    if error.kind not in ("status", "fault"):
        return False
    status = error.status
    if status == 429:
        key.limited_until_s = now_s + rest_limited_s(error.retry_after_s)
    elif status == 403:
        key.refuse_model(target.model, now_s + REST_REFUSED_S, now_s)
    elif status in _REFUSED:
        key.refused_until_s = now_s + REST_REFUSED_S
    else:
        return False
    return True


def _exhausted(target: Target, last: UpstreamError | None, now_s: float) -> AsbruError:
    """What to say when no key is left."""
    route = target.provider
    if last is not None and last.status not in _REFUSED:
        return last
    if last is None:
        wait_s = limited_for_s(route, target.model, now_s)
        if wait_s is not None:
            return UpstreamError(
                f"every key of '{route.name}' rests because the provider limited it; try again in {wait_s:.0f} s",
                status=429,
                type="rate_limit_error",
                code="rate_limit_exceeded",
                retry_after_s=wait_s,
            )
        if route.keys:
            return NotFound(
                f"no key of '{route.name}' is meant for the model '{target.model[:200]}'",
                code="model_not_found",
                param="model",
            )
    said = ": none is configured or set"
    if last is not None:
        words = "" if last.status == 401 else f" {last.message}"  # a 401's words may show parts of the key
        said = f"; the last one was refused: {last.status}{words}"
    return UpstreamError(
        f"no usable key of the provider '{route.name}' is left{said}",
        kind="exhausted",
        status=502,
        code="upstream_credentials_exhausted",
    )


def _log_attempt(call: Call, key: Key, error: UpstreamError, took_s: float) -> None:
    assert call.target is not None
    call.attempts += (Attempt(call.target, key.name, error.status, error.kind, took_s=took_s),)
