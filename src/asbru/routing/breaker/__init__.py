"""The circuit breaker: which targets and keys have failed so often that they are let alone for a while."""

from asbru.routing.breaker.breaker import Breaker, BreakerSettings, CircuitName, CircuitState

__all__ = ["Breaker", "BreakerSettings", "CircuitName", "CircuitState"]
