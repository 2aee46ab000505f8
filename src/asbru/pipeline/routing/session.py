"""The session of a call, and what it is bound to. Only where there is a choice: of targets, or of keys.

How bindings are kept, and for how long, is the business of `asbru.routing.affinity`.
"""

from __future__ import annotations

import msgspec

from asbru.pipeline.call import Call
from asbru.pipeline.rooms import Rooms
from asbru.routing import Target
from asbru.routing.affinity import Binding, SessionName, Sessions, chance_of
from asbru.routing.weights import draw

SESSION_HEADERS = ("x-asbru-session", "x-session-affinity", "x-claude-code-session-id", "session-id")
"""Headers that name a session; the first that is there counts."""

SESSION_CHARS_MAX = 255
"""A longer name is no session."""


def session_of(call: Call, model: str) -> SessionName | None:
    """The session that the headers name; None for none."""
    for header in SESSION_HEADERS:
        session = call.watched.get(header, "")
        if session:
            caller = call.caller.name if call.caller is not None else ""
            return SessionName(caller, session, model) if len(session) <= SESSION_CHARS_MAX else None
    return None


def keep_to_session(
    call: Call, targets: tuple[Target, ...], sessions: Sessions, *, now_s: float, drawn: bool
) -> tuple[Target, ...]:
    """The targets with the one first that the session is bound to, where the first was `drawn` and not asked for; and
    with the key that it is bound to, or that its name draws."""
    name = call.session
    assert name is not None
    binding = sessions.find(name, now_s)
    if binding is not None and drawn:
        bound = next((one for one in targets if _is_of(one, binding)), None)
        if bound is not None and bound is not targets[0]:
            targets = (bound, *(one for one in targets if one is not bound))
            call.route += (f"session: {bound}",)
    first = targets[0]
    keys = [key for key in first.provider.keys if key.serves(first.model)]
    if len(keys) > 1 and not first.key:
        key = (
            binding.key if binding is not None and _is_of(first, binding) else draw(keys, chance_of(name, "key")).name
        )
        call.route += (f"session: key {key}",)
        return (msgspec.structs.replace(first, prefer=key), *targets[1:])
    if not drawn:
        call.session = None  # nothing to remember
    return targets


def bind_session(call: Call, rooms: Rooms) -> None:
    """A call of a session has ended: if it was served, the session is bound to what served it. A stream that the caller
    broke off was served up to there."""
    served = call.outcome == "ok" or (call.outcome == "cancelled" and call.first_token_s)
    if call.session is not None and rooms.sessions is not None and served and call.attempts:
        made = call.attempts[-1]
        binding = Binding(made.target.provider.name, made.target.model, made.key.name)
        rooms.sessions.bind(call.session, binding, rooms.clock())


def _is_of(target: Target, binding: Binding) -> bool:
    return (target.provider.name, target.model) == (binding.provider, binding.model)
