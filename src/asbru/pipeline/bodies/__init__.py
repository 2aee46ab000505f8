"""Copies of what callers send and get, for the calls whose bodies are recorded. Where they go is a port."""

from asbru.pipeline.bodies.copies import BodyCopies, KeepBodies

__all__ = ["BodyCopies", "KeepBodies"]
