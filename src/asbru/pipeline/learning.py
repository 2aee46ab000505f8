"""Learned facts: what a target refuses that nobody had written down, found out by a translated call.

    400 that names a member which the translation wrote     the call is sent once more without it
    ... and is answered now                                 the target is remembered, until the next snapshot
    ... and is refused again for its request                nothing was learned

Only what was translated: a caller of the provider's own dialect means what it says, and reads the refusal. Each fact is
told in the log and counted, so that it can be written into `models.toml` or the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.traits import Traits
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.failures import MODEL_CHARS_MAX, words_of
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.upstream_request import translate
from asbru.routing import ProviderRoute
from asbru.telemetry import names

LESSONS_MAX: Final = 3
"""Members that one call may lose at one target."""

_STATUSES: Final = (400, 422)
_CODES: Final = frozenset(("unsupported_parameter", "unknown_parameter", "unsupported_value", "extra_forbidden"))
_REFUSES: Final = re.compile(
    r"unsupported|not (?:\w+ )?support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|not accept|not take"
    r"|extra_forbidden|deprecated|not available|unavailable|no longer|does not exist|isn't|aren't",
    re.IGNORECASE,
)
"""How providers say that they do not know a member at all; a value out of its range is said otherwise."""
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Lesson(NamedTuple):
    """A target's traits as they are tried now, and as they were before."""

    route: ProviderRoute
    model: str
    member: str
    before: Traits | None

    def forget(self) -> None:
        """It was not that, or not only that."""
        self.route.learn(self.model, self.before)

    def tell(self, call: Call, rooms: Rooms) -> None:
        """The call was answered: the fact is worth writing down."""
        provider = self.route.name
        model = rooms.meter.model_label(provider, self.model)
        rooms.meter.counter(names.LEARNED_FACTS, (provider, model, self.member)).add()
        rooms.failures.say(
            rooms.clock(),
            "warning",
            "fact learned",
            (provider, self.model, self.member),
            call=call.id.decode(),
            provider=provider,
            model=self.model[:MODEL_CHARS_MAX],
            parameter=self.member,
            message="refused by the provider; omitted from translated calls until the configuration is reloaded",
        )


def learn(call: Call, made: Attempt, error: AsbruError) -> Lesson | None:
    """What a refused attempt teaches; None where the same call would be refused again. The target is known to differ
    from here on."""
    endpoint = made.endpoint
    operation = endpoint.dialect.operation(call.operation.name)
    if call.dialect is endpoint.dialect or operation is None or operation.codec is None:
        return None
    if not isinstance(error, UpstreamError) or error.kind != "status" or error.status not in _STATUSES:
        return None
    if len(made.served_model) > MODEL_CHARS_MAX:
        return None
    if error.code not in _CODES and not _REFUSES.search(error.message):
        return None
    member = _named(error, _decode_members(translate(call, made, endpoint)))
    route, model = endpoint.route, made.served_model
    before = route.learned.get(model)
    traits = None if member is None else operation.codec.without(before or made.traits, member)
    if traits is None or member is None:
        return None
    route.learn(model, traits)
    return Lesson(route, model, member, before)


def _named(error: UpstreamError, members: Collection[str]) -> str | None:
    """The member that the error names: as its parameter, or first in its words."""
    param = re.split(r"[.\[]", error.param or "", maxsplit=1)[0]
    if param in members:
        return param
    words = words_of(error)
    found = [
        (at.start(), name) for name in members if (at := re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", words))
    ]
    return min(found)[1] if found else None
