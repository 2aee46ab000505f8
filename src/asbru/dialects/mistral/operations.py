"""What a provider of this dialect can be asked: to speak.

Source: https://docs.mistral.ai/studio/audio/text-to-speech/generate-speech
"""

from __future__ import annotations

from asbru.dialects.contract import Operation
from asbru.dialects.mistral import speech

OPERATIONS = (
    Operation(
        name="speech",
        surface="speech",
        path="/audio/speech",
        read_head=speech.read_head,
        speaks=False,
        shape=speech.SHAPE,
        charge=speech.charge,
        by_token=False,
    ),
)
