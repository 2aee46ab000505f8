"""Mistral's own form of speech. All else that Mistral offers is in the OpenAI dialect, so that this one has no chat, no
list of models and no surface.
"""

from asbru.core.errors import UpstreamError
from asbru.dialects import openai_errors
from asbru.dialects.contract import Dialect, Errors
from asbru.dialects.mistral.operations import OPERATIONS
from asbru.dialects.mistral.speech import NAME


def _read_error(status: int, body: bytes) -> UpstreamError:
    """A provider's error response; never fails, whatever the bytes."""
    return openai_errors.read_error(NAME, status, body)


DIALECT = Dialect(name=NAME, setting="mistral", operations=OPERATIONS, errors=Errors(read=_read_error))

__all__ = ["DIALECT"]
