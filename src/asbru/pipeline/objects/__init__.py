"""Stored objects on the path: files and batches that a provider keeps for the virtual key that made them.

    middle   the middle of the path: create, list, read, content, delete
    whose    which provider keeps a new object, and whose an id is
    bodies   ids in bodies, opened and sealed

It refuses to know which objects there are: the operations of a dialect say so (`Operation.stored`).
"""

from asbru.pipeline.objects.middle import ask_keeper, object_call
from asbru.pipeline.objects.whose import PROVIDER_HEADER, parameters

__all__ = ["PROVIDER_HEADER", "ask_keeper", "object_call", "parameters"]
