"""The cache on the path: whether a call was asked before, and what is kept of its reply.

    answers  after the stages have seen the request, before money is held: whether the cache has served the call
    take     while the provider's response passes: its body, or the pieces of its stream, up to a bound
    end      when all is accounted: a reply that is complete, of the first target, unrefused and not ended by a stage is
             kept, and identical calls that waited for it go on

What is kept is what the provider sent, before any stage: each caller's own stages see it anew (`kept`). What
two requests must have in common is `cache.key`, who shares is `cache.policy`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from traceback import format_exception
from typing import TYPE_CHECKING, Final

from asbru.cache import Entry, Flights, Store, Wishes, read_wishes
from asbru.cache import key as keys
from asbru.core.errors import AsbruError, NotFound
from asbru.pipeline.caching.call_cache import OUTCOMES, CallCache
from asbru.pipeline.caching.kept import deliver_kept, find_endpoint, is_worth_keeping, read_kept
from asbru.pipeline.caching.meaning import Meaning, agree
from asbru.pipeline.large_bodies import LARGE_BYTES_MIN, in_thread
from asbru.telemetry import log

if TYPE_CHECKING:
    from asbru.cache import CacheSettings
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms
    from asbru.routing import Target

DIGESTS_MAX: Final = 4096
"""Bodies whose digest is remembered: the same bytes are not read twice."""

JUDGED_AT_ONCE_BYTES_MAX: Final = 64 * 1024
"""A larger reply is read in a thread before it is kept: a long stream takes milliseconds."""


class Caching:
    """See the module. Lives in a worker; `configure` swaps what a reload changes."""

    def __init__(self, store: Store, flights: Flights) -> None:
        self.store = store
        self.flights = flights
        self.counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
        self.saved_nanousd = 0
        self._digests: dict[bytes, str] = {}
        self._settings: CacheSettings | None = None
        self._meaning: Meaning | None = None
        self._operations: frozenset[str] = frozenset()

    def configure(self, settings: CacheSettings, meaning: Meaning | None = None) -> None:
        """From the next call on. `meaning`: finds questions in other words; None: nothing does."""
        self._settings = settings
        self._meaning = meaning
        self._operations = frozenset(settings.operations)

    async def answers(self, call: Call, targets: Sequence[Target], rooms: Rooms) -> bool:
        """Whether the cache has served the call, to its last byte. Raises as `find`, and what a stage refuses."""
        entry = await self.find(call, targets, rooms)
        if entry is None:
            return False
        await deliver_kept(call, entry, targets[0], rooms)
        return True

    async def find(self, call: Call, targets: Sequence[Target], rooms: Rooms) -> Entry | None:
        """What answers the call; None: it goes on. Raises `BadRequest` for headers that make no sense, and `NotFound`
        where only the cache was to be asked."""
        settings, caller = self._settings, call.caller
        assert settings is not None and caller is not None
        if call.operation.name not in self._operations:
            return None
        wishes = read_wishes(call.watched, settings, caller.labels)
        target = targets[0]
        excluded = settings.exclude_models and settings.excludes(target.provider.name, target.model)
        if wishes.mode == "off" or excluded or not caller.entry.cache:
            call.cached = CallCache("off", wishes)
            return self._nothing(wishes)
        key = await self._key(call, target, wishes, rooms)
        if key is None:
            return self._nothing(wishes)
        cached = call.cached = CallCache("miss", wishes, key, settings.entry_bytes_max)
        cached.target = target
        cached.keeps = wishes.mode in ("on", "refresh")
        if wishes.mode == "refresh":
            cached.outcome = "refresh"
            return None
        entry = await self._look_up(cached, rooms, settings.wait_s)
        outcome = "hit"
        if entry is None and self._meaning is not None and wishes.mode != "only" and not wishes.exact_only:
            entry, outcome = await self._look_up_meaning(call, cached, self._meaning, rooms), "semantic"
        if entry is not None and find_endpoint(rooms, target, entry) is not None:
            cached.outcome, cached.entry, cached.keeps = outcome, entry, False
            cached.age_s = max(0, (_now_ms(rooms) - entry.made_ms) // 1000)
            call.target = target
            return entry
        return self._nothing(wishes)

    @staticmethod
    def _nothing(wishes: Wishes) -> None:
        """There is no entry; raises `NotFound` where only the cache was to be asked."""
        if wishes.mode == "only":
            raise NotFound("the cache has no entry for this request, and only the cache was asked", code="cache_miss")

    async def _look_up_meaning(self, call: Call, cached: CallCache, meaning: Meaning, rooms: Rooms) -> Entry | None:
        """The entry of the same question in other words, where it is to be served."""
        assert self._settings is not None
        settings = self._settings.semantic
        assert call.caller is not None
        if call.operation.name != "chat" or not settings.compares(call.caller.entry.name):
            return None
        assert cached.target is not None
        beside = keys.digest_of_bytes(*_beside(call, cached.target, cached.wishes, rooms)).hex()
        base = f"{cached.key.rpartition('/')[0]}/{beside}"
        asked = cached.asked = await meaning.ask(call, rooms, settings, base)
        if asked is None:
            return None
        threshold = settings.threshold if cached.wishes.threshold is None else cached.wishes.threshold
        found = await meaning.find(
            call, asked, settings, key=cached.key, store=self.store, rooms=rooms, threshold=threshold
        )
        if found is None:
            return None
        if settings.mode == "shadow":
            kept, operation = found.entry, call.operation

            def compare(cached: CallCache) -> bool | None:
                try:
                    came = self._entry(call, cached, rooms) if call.outcome == "ok" else None
                    before = read_kept(operation, rooms, kept)
                    after = None if came is None else read_kept(operation, rooms, came)
                    return None if before is None or after is None else agree(before, after)
                except Exception as error:  # noqa: BLE001 -- a bug must not cost the record of the call: the log has why
                    log("error", "a bug, please report it", why="".join(format_exception(error)))
                    return None

            cached.compare = compare
            return None
        cached.key, cached.similarity = found.entry.key, found.near.similarity
        return found.entry

    def end(self, call: Call, rooms: Rooms) -> None:
        """The call is accounted: keep its reply if it may be kept, and let those go on who waited. Never waits."""
        cached = call.cached
        if cached is None:
            return
        self.counts[cached.outcome] += 1
        if cached.entry is not None:
            self.saved_nanousd += cached.entry.cost_nanousd or 0
        try:
            self._judge(call, cached, rooms)
        except Exception as error:  # noqa: BLE001 -- a bug must not cost the record of the call: the log has why
            self._land(cached, error)

    def _judge(self, call: Call, cached: CallCache, rooms: Rooms) -> None:
        entry = self._entry(call, cached, rooms) if cached.keeps and call.outcome == "ok" else None
        if entry is None:
            self._land(cached)
            return
        operation = call.operation
        if entry.size_bytes <= JUDGED_AT_ONCE_BYTES_MAX:
            if is_worth_keeping(operation, rooms, entry):
                self._put(cached, entry, rooms)
            self._land(cached)
            return

        async def judge() -> None:
            worth = await rooms.loop.run_in_executor(None, is_worth_keeping, operation, rooms, entry)
            if worth:
                self._put(cached, entry, rooms)

        def judged(task: asyncio.Task[None]) -> None:
            self._land(cached, None if task.cancelled() else task.exception())

        rooms.loop.create_task(judge()).add_done_callback(judged)

    def _put(self, cached: CallCache, entry: Entry, rooms: Rooms) -> None:
        self.store.put(entry, _now_ms(rooms))
        if cached.asked is not None and self._meaning is not None:
            self._meaning.keep(cached.asked, entry)

    def _land(self, cached: CallCache, error: BaseException | None = None) -> None:
        """Let those go on who waited for this call."""
        if error is not None:
            log("error", "a bug, please report it", why="".join(format_exception(error)))
        if cached.flight is not None:
            self.flights.land(cached.flight)
            cached.flight = None

    def _entry(self, call: Call, cached: CallCache, rooms: Rooms) -> Entry | None:
        """What would be kept; None where another target served than the one that the key names."""
        last = call.attempts[-1] if call.attempts else None
        taken = cached.taken()
        if last is None or taken is None or last.target is not cached.target:
            return None
        dialect, stream, content_type, pieces = taken
        now_ms = _now_ms(rooms)
        return Entry(
            key=cached.key,
            provider=last.target.provider.name,
            model=last.served_model,
            dialect=dialect.name,
            stream=stream,
            content_type=content_type,
            pieces=tuple(pieces),
            made_ms=now_ms,
            expires_ms=now_ms + cached.wishes.ttl_s * 1000,
            cost_nanousd=last.cost_nanousd,
            took_ms=int((rooms.clock() - call.started_s) * 1000),
            tags=cached.wishes.tags,
        )

    async def _look_up(self, cached: CallCache, rooms: Rooms, wait_s: float) -> Entry | None:
        """The entry of a key, perhaps of an identical call that is under way."""
        key = cached.key
        entry = await self.store.find(key, _now_ms(rooms))
        if entry is not None or cached.wishes.mode == "only":
            return entry
        flight = self.flights.under_way(key)
        if flight is None:
            if cached.keeps and wait_s:
                cached.flight = self.flights.begin(key)
            return None
        await self.flights.wait(flight, wait_s)
        return await self.store.find(key, _now_ms(rooms))

    async def _key(self, call: Call, target: Target, wishes: Wishes, rooms: Rooms) -> str | None:
        """The key of a call; None for what cannot be normalised, or read: the provider says what is wrong with it."""
        beside = _beside(call, target, wishes, rooms)
        try:
            if call.request_changed:  # the body is not what is asked
                digest = keys.digest_of_bytes(_read_digest(call), *beside).hex()
            else:
                digest = await self._digest(call, beside, rooms)
        except (AsbruError, *keys.UNREADABLE):
            return None
        return f"{wishes.scope}/{call.operation.name}/{target.provider.name}/{target.model}/{digest}"

    async def _digest(self, call: Call, beside: tuple[bytes, ...], rooms: Rooms) -> str:
        """The digest of a body and what counts beside it: remembered, so that the same bytes are not read twice."""
        body = call.body
        known = keys.digest_of_bytes(call.surface.encode(), *beside, body)
        digest = self._digests.get(known)
        if digest is None:
            large = len(body) > LARGE_BYTES_MIN
            read = await in_thread(rooms, lambda: _read_digest(call)) if large else _read_digest(call)
            digest = keys.digest_of_bytes(read, *beside).hex()
            if len(self._digests) >= DIGESTS_MAX:
                self._digests.pop(next(iter(self._digests)))
            self._digests[known] = digest
        return digest


def _read_digest(call: Call) -> bytes:
    """The digest of what is asked, which is read for it."""
    if call.operation.codec is not None:
        return keys.digest_of_chat(call.read_canonical())
    assert call.head is not None
    return keys.digest_of_members(call.dialect.name, call.head.members)


def _now_ms(rooms: Rooms) -> int:
    return int(rooms.unix_time() * 1000)


def _beside(call: Call, target: Target, wishes: Wishes, rooms: Rooms) -> tuple[bytes, ...]:
    """What keeps calls apart besides what they ask: headers that decide, the query, the caller's own word, the rules in
    force, and who the key is: another one may come by the name of one that is gone."""
    lines = rooms.endpoints[target.provider.name].spoken_by(call, target.model).deciding_lines(call.forwarded)
    rules = "\n".join([stage.version for stage in call.stages]).encode() if call.stages else b""
    assert call.caller is not None
    own = call.caller.identity.encode() if wishes.scope.startswith("key:") else b""
    return lines, _query(call), wishes.apart.encode(), rules, own


def _query(call: Call) -> bytes:
    """The query without what says in which form a stream is to come: that is no more asked for than a stream is."""
    forms = call.operation.array_unless
    if not call.query or not forms:
        return call.query
    return b"&".join([one for one in call.query.split(b"&") if one not in forms])
