"""Routing of calls: what is known of a call, its owners and targets, put to rules and weights. The decisions
themselves are `asbru.routing`'s."""

from asbru.pipeline.routing.choose import Routing, choose
from asbru.pipeline.routing.session import SESSION_HEADERS
from asbru.pipeline.routing.trace import TRACE_HEADER

__all__ = ["SESSION_HEADERS", "TRACE_HEADER", "Routing", "choose"]
