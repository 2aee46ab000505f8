"""ElevenLabs: speech and transcription, as its providers speak them. Callers reach it from the OpenAI surface.

It has no chat and no surface. Streams of events, and audio with the times of its characters, are not used.
"""

from asbru.dialects.contract import Dialect, Errors, ModelsForm
from asbru.dialects.elevenlabs.errors import error_inside, read_error
from asbru.dialects.elevenlabs.operations import OPERATIONS
from asbru.dialects.elevenlabs.types import NAME, read_models

DIALECT = Dialect(
    name=NAME,
    setting="elevenlabs",
    operations=OPERATIONS,
    errors=Errors(read=read_error, inside=error_inside),
    models=ModelsForm(read=read_models),
)

__all__ = ["DIALECT"]
