"""Which call or which agent's session a call comes from, for its record; not asked of calls that no header tells of.

Not the name of a session by which targets are chosen (`routing.session`): one that is too long is none there, and cut
off here.
"""

from __future__ import annotations

import re
from typing import Final

from asbru.pipeline.call import Call
from asbru.pipeline.routing.session import SESSION_HEADERS
from asbru.records.row import AGENT_CHARS_MAX, SESSION_CHARS_MAX

NO_ORIGIN: Final = ("", "", "")
"""The columns from `parent_id` of a call that no call made and no agent."""
_PRODUCT: Final = re.compile(r"\s*([^\s/;()]+(?:/(?!v?\d)[^\s/;()]+)*)")
"""A User-Agent begins with products (RFC 9110, 10.1.5): `claude-cli/2.0.1 (external, cli)`, `OpenAI/Python 1.99.0`."""


def write_origin(call: Call) -> tuple[str, str, str]:
    """The columns `parent_id`, `session` and `agent`."""
    session = call.run or next(filter(None, map(call.watched.get, SESSION_HEADERS)), "")
    if not session:
        return call.parent_id, "", ""
    return call.parent_id, session[:SESSION_CHARS_MAX], agent_of(call.forwarded.value_of(b"user-agent"))


def agent_of(user_agent: bytes) -> str:
    """The program that a User-Agent names first, without its version; "" for none."""
    found = _PRODUCT.match(user_agent.decode("latin-1"))
    return found[1][:AGENT_CHARS_MAX] if found is not None else ""
