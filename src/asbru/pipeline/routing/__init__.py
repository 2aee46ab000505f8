"""Routing of calls: what is known of a call, its owners and targets, put to rules and weights. The decisions
themselves are `asbru.routing`'s."""

from asbru.pipeline.routing.choose import Routing, choose

__all__ = ["Routing", "choose"]
