"""What a provider of this dialect can be asked: to speak, and to transcribe.

Source: https://elevenlabs.io/docs/api-reference/introduction
"""

from __future__ import annotations

from asbru.dialects.contract import Operation
from asbru.dialects.elevenlabs import speech, transcription

OPERATIONS = (
    Operation(
        name="speech",
        surface="text-to-speech",
        path="/text-to-speech/{voice}?output_format={output_format}",
        read_head=speech.read_head,
        speaks=False,
        gives="bytes",
        shape=speech.SHAPE,
        charge=speech.charge,
        by_token=False,
    ),
    Operation(
        name="transcriptions",
        surface="speech-to-text",
        path="/speech-to-text",
        read_head=transcription.read_no_head,
        takes="form",
        shape=transcription.SHAPE,
        usage_of=transcription.usage_of,
        by_token=False,
    ),
)
