"""Attempts: targets in order, keys of a target in turn, retries on a key, until the first content.

    the provider's response               what happens next
    401 for a token a minute old or more  fetch another token and try again with the same key, once
    401, 402, 403                         the key cools down for a minute (403: for this model); try the next key
    none: the key's token was refused     the same; nothing was sent
    429                                   the key cools down for Retry-After (this model or all); try the next key
    5xx, network, protocol, fault, cut    retry with the same key after a pause, at most `retries.max` times
    deadline                              try the next target: the caller has waited long enough
    408, 424                              try the next target
    404 that means an unknown model       try the next target
    none: its connections are all busy    try the next target (`overload`)
    400 for thinking of earlier turns     retry with the same key without what it refuses, step by step
    400, 422 for a parameter Asbru wrote  retry with the same key without it, once (a learned fact)
    any other 4xx                         return the error to the caller
    none: a limit has no room             try the next target (the key's own: the next key); nothing was sent

While there is something else to try, Asbru does not use a target that keeps failing (`circuits`). A target whose keys
are all used or cooling down is exhausted, which also leads to the next target. When no target is left, the caller
receives the error of the first one. Every attempt is built from the caller's original request, and is appended to the
call before anything is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from asbru.core.errors import (
    AsbruError,
    LimitReached,
    NotFound,
    Overloaded,
    PriceUnknown,
    UnsupportedByProvider,
    UpstreamError,
)
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.circuits import is_open, open_keys, pass_over_open, tell_failure, tell_success
from asbru.pipeline.endpoint import NO_KEY, Endpoint
from asbru.pipeline.failures import (
    attempt_failed,
    fell_back,
    key_cools_down,
    name_provider,
    pass_over,
    tried_again,
    words_of,
)
from asbru.pipeline.hidden import hide_credentials
from asbru.pipeline.histories import known_history, next_history, remember
from asbru.pipeline.large_bodies import LARGE_BYTES_MIN, in_thread
from asbru.pipeline.learning import LESSONS_MAX, Lesson, learn
from asbru.pipeline.local_count import count_locally
from asbru.pipeline.responses import Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.send import send
from asbru.pipeline.stepper import pause
from asbru.routing import (
    COOLDOWN_REFUSED_S,
    Key,
    Target,
    choose_key,
    cooldown_limited_s,
    limited_for_s,
    retry_pause_s,
)

_REFUSED = (401, 402, 403)
_TOLD_KINDS = frozenset({"status", "fault"})
"""The provider said what is wrong, by its status or inside a 200."""
_RETRIED_KINDS = frozenset({"network", "protocol", "cut"})
_KEYS_OWN = "provider_key/"
"""How the owner of a limit of one key is called."""
_ATTEMPTS_MAX = 64
"""Attempts at one target, whatever the configuration says: keys times retries must end."""


async def attempt(call: Call, targets: Sequence[Target], rooms: Rooms) -> Response:  # noqa: C901 -- one way out each
    """The first good answer of `targets`; raises what the first target said when there is none."""
    first: AsbruError | None = None
    failed: tuple[Target, AsbruError] | None = None
    breaker = rooms.breaker
    to_try = targets if breaker is None or not breaker.circuits else pass_over_open(call, targets, breaker, rooms)
    for target in to_try:
        endpoint = rooms.endpoints[target.provider.name]
        if endpoint.others is not None:
            endpoint = endpoint.spoken_by(call, target.model)
        call.target = target
        if failed is not None:
            fell_back(call, failed, target, rooms)
        try:
            if call.operation.name not in endpoint.operations or (
                not call.operation.codec and _is_counted_here(call, endpoint)
            ):
                return await _count_here(call, endpoint, rooms)
            tries: _Tries | None = None
            began_s = rooms.clock()
            key = _first_key(target, rooms, began_s)
            while True:
                made = Attempt(target, key, endpoint, began_s)
                if tries is not None:
                    made.history = tries.history
                elif target.provider.refused_history:
                    made.history = await _known_history(call, made, rooms)
                call.attempts += (made,)
                try:
                    response = await send(call, made, rooms)
                    if breaker is not None and breaker.circuits:
                        tell_success(made, breaker, rooms, begun=response.stream is not None)
                    if tries is not None:
                        tries.tell_lessons(call, made)
                    return response
                except AsbruError as error:
                    conclude(call, made, error, rooms)
                    tries = tries or _Tries(target, rooms, alone=len(targets) == 1, history=made.history)
                    key = await tries.after(call, made, error)
                    tried_again(made, key, error, rooms)
                    began_s = rooms.clock()
        except (UpstreamError, UnsupportedByProvider, NotFound, LimitReached, Overloaded, PriceUnknown) as error:
            if not _leads_on(call, target, error, rooms):
                raise
            first = first or error
            failed = target, error
    assert first is not None
    call.target = targets[0]  # whose error it is
    raise first


async def _known_history(call: Call, made: Attempt, rooms: Rooms) -> int:
    """How the first try at a target is written that has refused earlier turns before."""
    if call.body_bytes <= LARGE_BYTES_MIN:
        return known_history(call, made)
    return await in_thread(rooms, lambda: known_history(call, made))


def _leads_on(call: Call, target: Target, error: AsbruError, rooms: Rooms) -> bool:
    """Whether the next target is tried. One that nothing was sent to is noted."""
    if not call.attempts or call.attempts[-1].target is not target:
        pass_over(call, target, error, rooms)
    if not falls_back(error):
        return False
    error.let_go()
    return True


def conclude(call: Call, made: Attempt, error: AsbruError, rooms: Rooms) -> None:
    """What an attempt came to that did not lead to a response."""
    error.let_go()
    hide_credentials(made, error)
    name_provider(made, error)
    made.status = error.status
    made.outcome = error.kind if isinstance(error, UpstreamError) and not error.by_stage else error.code
    made.took_s = rooms.clock() - made.started_s
    made.reason = words_of(error)
    if rooms.breaker is not None:
        tell_failure(made, error, rooms.breaker, rooms)
    attempt_failed(call, made, error, rooms, callers_own=not _is_about_key(error) and not falls_back(error))


def _is_counted_here(call: Call, endpoint: Endpoint) -> bool:
    """Whether the provider's own count is none of what would be sent: a stage has changed it, or it is translated."""
    return call.request_changed or (call.operation.write_count is not None and endpoint.dialect is not call.dialect)


async def _count_here(call: Call, endpoint: Endpoint, rooms: Rooms) -> Response:
    """What the provider does not offer: tokens are counted here, anything else is refused."""
    if call.operation.write_count is None:
        raise endpoint.lacks(call.operation)
    return await count_locally(call, rooms)


def _first_key(target: Target, rooms: Rooms, now_s: float) -> Key:
    route = target.provider
    key = route.only_key
    if key is not None and key.limited_until_s <= now_s and not key.limited_models:
        return key
    if route.keyless:
        return NO_KEY
    key = _draw_key(target, set(), rooms, now_s)
    if key is None:
        raise _exhausted(target, None, now_s)
    return key


def _draw_key(target: Target, tried: set[str], rooms: Rooms, now_s: float) -> Key | None:
    """A key that was not tried, before those whose circuit is open."""
    breaker, chance = rooms.breaker, rooms.chance()
    if breaker is not None and breaker.circuits:
        key = choose_key(target, tried | open_keys(target, breaker, now_s), now_s, chance=chance)
        if key is not None:
            return key
    return choose_key(target, tried, now_s, chance=chance)


def falls_back(error: AsbruError) -> bool:
    """Whether another target may do better."""
    status = error.status
    if isinstance(error, Overloaded):
        return not error.by_stage
    if not isinstance(error, UpstreamError) or error.kind not in _TOLD_KINDS:
        return True  # what this target lacks, or how it failed, is no fault of the caller's
    return status in (408, 424, 429) or status >= 500 or (status == 404 and _is_unknown_model(error))


def _is_unknown_model(error: UpstreamError) -> bool:
    return "model" in (error.code or "") or "model" in error.message.lower()


class _Tries:
    """What one target has been tried with so far: made only when the first try fails."""

    __slots__ = (
        "_alone",
        "_count",
        "_known",
        "_lessons",
        "_renewed",
        "_retries",
        "_rooms",
        "_target",
        "_tried",
        "history",
    )

    def __init__(self, target: Target, rooms: Rooms, *, alone: bool, history: int) -> None:
        self._alone = alone
        self._target = target
        self._rooms = rooms
        self._tried: set[str] = set()
        self._retries = 0
        self._renewed = False
        self.history = self._known = history
        self._count = 0
        self._lessons: tuple[Lesson, ...] = ()

    def tell_lessons(self, call: Call, made: Attempt) -> None:
        """The target answered: what was learned on the way is true."""
        if made.history != self._known:
            remember(call, made)
        for lesson in self._lessons:
            lesson.tell(call, self._rooms)

    async def after(self, call: Call, made: Attempt, error: AsbruError) -> Key:
        """The key for the next try, once it is time for it; raises when this target is done with."""
        if isinstance(error, LimitReached) and error.owner.startswith(_KEYS_OWN):
            return self._other_key(made.key, error)
        if error.by_stage or not isinstance(error, UpstreamError):
            raise error
        history = next_history(call, made, error)
        if history is not None:
            self.history = history
            return made.key
        lesson = learn(call, made, error) if len(self._lessons) < LESSONS_MAX else None
        if lesson is not None:
            self._lessons += (lesson,)
            return made.key
        try:
            key, seconds = self._next(made.key, error)
        except AsbruError:
            for lesson in reversed(self._lessons):
                lesson.forget()
            raise
        if seconds is not None:
            await pause(self._rooms.loop, seconds)
        return key

    def _other_key(self, key: Key, error: LimitReached) -> Key:
        """A key's own limit has no room: another key, without a pause."""
        self._tried.add(key.name)
        following = _draw_key(self._target, self._tried, self._rooms, self._rooms.clock())
        if following is None:
            raise error
        return following

    def _next(self, key: Key, error: UpstreamError) -> tuple[Key, float | None]:
        rooms, target = self._rooms, self._target
        route = target.provider
        self._count += 1
        now_s = rooms.clock()
        if _is_unknown_key(error) and not self._renewed and key.credential.refused():
            self._renewed = True  # a token that was refused, and that is fetched anew
            return key, None
        if _cool_down(key, target, error, now_s):
            if not route.keyless:
                key_cools_down(target, key, error, rooms, seconds=_cooldown_s(error))
            self._tried.add(key.name)
            following = (
                None
                if route.keyless or self._count >= _ATTEMPTS_MAX
                else _draw_key(target, self._tried, rooms, now_s)
            )
            if following is None:
                raise _exhausted(target, error, now_s)
            return following, None
        if not self._alone and rooms.breaker is not None and is_open(target, key, rooms.breaker, now_s):
            raise error  # there is something better to try
        policy = route.retries
        if self._retries >= policy.max or self._count >= _ATTEMPTS_MAX or not is_retried(error):
            raise error
        seconds = retry_pause_s(self._retries, policy.pause_initial_s, policy.pause_max_s, rooms.chance())
        self._retries += 1
        return key, seconds


def is_retried(error: UpstreamError) -> bool:
    """Whether the same key may do better after a pause."""
    if error.kind in _RETRIED_KINDS:
        return True
    return error.kind in _TOLD_KINDS and error.status >= 500


def _is_about_key(error: AsbruError) -> bool:
    """Whether the provider refused the key, by its status: another one may do."""
    return isinstance(error, UpstreamError) and error.kind in _TOLD_KINDS and error.status in _REFUSED


def _is_unknown_key(error: UpstreamError) -> bool:
    return error.kind in _TOLD_KINDS and (error.status == 401 or error.stale_key)


def _cooldown_s(error: UpstreamError) -> float:
    """How long `_cool_down` passes a key over."""
    limited = error.kind in _TOLD_KINDS and error.status == 429
    return cooldown_limited_s(error.retry_after_s) if limited else COOLDOWN_REFUSED_S


def _cool_down(key: Key, target: Target, error: UpstreamError, now_s: float) -> bool:
    """Let the key cool down if the error was about the key; True if it was."""
    if error.kind == "exhausted":  # its credential could not be fetched: nothing was sent
        key.refused_until_s = now_s + COOLDOWN_REFUSED_S
        return True
    if error.kind not in _TOLD_KINDS:
        return False
    status = error.status
    if status == 429:
        until_s = now_s + cooldown_limited_s(error.retry_after_s)
        if error.whole_key:
            key.limited_until_s = until_s
        else:
            key.limit_model(target.model, until_s, now_s)
    elif status == 403:
        key.refuse_model(target.model, now_s + COOLDOWN_REFUSED_S, now_s)
    elif status in _REFUSED:
        key.refused_until_s = now_s + COOLDOWN_REFUSED_S
        if status == 401:
            key.credential.refused()
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
                f"every key of '{route.name}' is rate-limited by the provider; try again in {wait_s:.0f} s",
                status=429,
                type="rate_limit_error",
                code="rate_limit_exceeded",
                retry_after_s=wait_s,
            )
        if route.keys:
            return NotFound(
                f"no key of '{route.name}' serves the model '{target.model[:200]}'",
                code="model_not_found",
                param="model",
            )
    said = ": none is configured, or its environment variable is not set"
    if last is not None:
        words = "" if last.status == 401 else f" {last.message}"  # a 401's words may show parts of the key
        said = f"; the last one was refused: {last.status}{words}"
    return UpstreamError(
        f"no usable key is left for the provider '{route.name}'{said}",
        kind="exhausted",
        status=502,
        code="upstream_credentials_exhausted",
    )
