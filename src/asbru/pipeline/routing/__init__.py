"""Routing of calls: rules, put to what is known of a call and its owners. The decisions are `asbru.routing`'s."""

from asbru.pipeline.ports import Standing
from asbru.pipeline.routing.routing import Routing
from asbru.pipeline.routing.standing import NoStanding

__all__ = ["NoStanding", "Routing", "Standing"]
