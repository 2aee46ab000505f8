"""Draws by weight, of keys, of providers and of a rule's targets. The chance is given."""

from asbru.routing.weights.draw import Weighted, draw

__all__ = ["Weighted", "draw"]
