"""Calls that the gateway makes itself during another call: vectors of texts, a word of a model."""

from asbru.pipeline.internal.calls import SURFACE, InternalCalls

__all__ = ["SURFACE", "InternalCalls"]
