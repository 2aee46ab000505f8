"""Replicate: images by predictions, as its providers speak them. Callers reach it from the OpenAI surface.

It has no chat and no surface. What a model takes besides a prompt is the model's own: members of a caller's request
that OpenAI does not have go to it as they are.
"""

from asbru.dialects.contract import Dialect, Errors
from asbru.dialects.replicate.errors import error_inside, read_error
from asbru.dialects.replicate.operations import OPERATIONS
from asbru.dialects.replicate.types import NAME

DIALECT = Dialect(
    name=NAME,
    setting="replicate",
    operations=OPERATIONS,
    errors=Errors(read=read_error, inside=error_inside),
)

__all__ = ["DIALECT"]
