"""Everything the path may call, in one place: built by `app.build`, swapped whole on a reload.

A call goes on with the rooms it began with. Nothing here decides anything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from asbru.core.chat import ChatRequest
from asbru.core.ids import IdSource
from asbru.governance import Keys
from asbru.governance.standing import Standings
from asbru.pipeline.bodies import BodyCopies
from asbru.pipeline.endpoint import Endpoint
from asbru.pipeline.limit_headers import LimitHeaderLines
from asbru.pipeline.load import Load
from asbru.pipeline.ports import Leases, Prices
from asbru.pipeline.refusals import Refusals
from asbru.pipeline.stages import StageMaker
from asbru.records import Recorder
from asbru.routing import Plan
from asbru.routing.affinity import Sessions
from asbru.routing.breaker import Breaker
from asbru.stored import StoredObjects
from asbru.stored.responses import StoredResponses
from asbru.telemetry import LimitedLog, Meter

if TYPE_CHECKING:
    from asbru.catalog.facts import ModelFacts
    from asbru.pipeline.caching import Caching
    from asbru.pipeline.routing import Routing
    from asbru.pipeline.tools import Toolbox
    from asbru.telemetry.tracing import Tracer


class Rooms:
    """The rooms of one snapshot. `chance` draws from [0, 1); `clock` is monotonic (seconds). `count_tokens` blocks.

    `leases`: limits that hold, `standings`: how far they are used; None: there are none. `stages`: what looks at
    content, in order. `routing`: what chooses targets besides the plan; None: nothing does. `breaker`: lets alone what
    fails; None: nobody does. `sessions`: where calls of a session went; None: nothing is remembered. `bodies`: copies
    bodies; None: none are recorded. `tracer`: traces calls; None: tracing is off. `metric_tags`: the tags that are
    labels of metrics; None: none is. `model_facts`: what is known of models; None: they are listed by name only.
    `objects`: the ids and the index of stored objects, `responses`: the same of responses; None: none can be stored.
    `tools`: the servers of tools; None: none is configured. `cache`: keeps replies; None: it is off.
    """

    def __init__(  # noqa: PLR0913 -- the one builder, `app.build`, names every room
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        keys: Keys,
        plan: Plan,
        endpoints: Mapping[str, Endpoint],
        prices: Prices,
        recorder: Recorder,
        meter: Meter,
        load: Load,
        failures: LimitedLog,
        ids: IdSource,
        chance: Callable[[], float],
        unix_time: Callable[[], float],
        count_tokens: Callable[[ChatRequest], int],
        body_bytes_max: int,
        response_bytes_max: int,
        leases: Leases | None = None,
        standings: Standings | None = None,
        stages: Sequence[StageMaker] = (),
        routing: Routing | None = None,
        breaker: Breaker | None = None,
        sessions: Sessions | None = None,
        tracer: Tracer | None = None,
        metric_tags: tuple[str, ...] | None = None,
        bodies: BodyCopies | None = None,
        objects: StoredObjects | None = None,
        responses: StoredResponses | None = None,
        model_facts: ModelFacts | None = None,
        tools: Toolbox | None = None,
        cache: Caching | None = None,
    ) -> None:
        self.loop = loop
        self.clock = time.monotonic  # finer than the loop's own clock, which counts milliseconds
        self.keys = keys
        self.plan = plan
        self.endpoints = dict(endpoints)
        self.prices = prices
        self.recorder = recorder
        self.meter = meter
        self.load = load
        self.failures = failures
        self.ids = ids
        self.chance = chance
        self.unix_time = unix_time
        self.count_tokens = count_tokens
        self.body_bytes_max = body_bytes_max
        self.response_bytes_max = response_bytes_max
        self.stages = tuple(stages)
        self.breaker = breaker
        self.sessions = sessions
        self.tracer = tracer
        self.metric_tags = metric_tags
        self.refusals = Refusals()
        self.bodies = bodies
        self.objects = objects
        self.responses = responses
        self.model_facts = model_facts
        self.tools = tools
        self.cache = cache
        self.limit(leases, standings, routing)

    def limit(self, leases: Leases | None, standings: Standings | None, routing: Routing | None) -> None:
        """From the next call on: what it asks for leave, and what chooses its targets. The first limit may come, and
        the last one go, while a snapshot holds."""
        self.leases = leases
        self.standings = standings
        self.limit_headers = None if standings is None else LimitHeaderLines(standings, self.unix_time)
        self.routing = routing
        self.plan_decides = routing is None or (routing.rules is None and not self.plan.has_fallbacks)
        """Whether the plan alone chooses the target of a caller that is not restricted, in a call of no session: room
        matters only where there are several."""
