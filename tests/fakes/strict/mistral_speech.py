"""Mistral's speech, as strict as it is documented: key, voice, format, members; the audio comes inside JSON.

Source: https://docs.mistral.ai/studio/audio/text-to-speech/generate-speech and
https://github.com/mistralai/client-python/blob/main/docs/sdks/speech/README.md
"""

from __future__ import annotations

import base64
from typing import Any

from tests.fakes.upstream import Reply, Seen

VOICES = ("gb_jane_neutral", "v-own")
FORMATS = ("pcm", "wav", "mp3", "flac", "opus")
MEMBERS = {
    *("input", "model", "metadata", "stream", "prompt_cache_key", "voice_id", "ref_audio", "phoneme_hints"),
    "response_format",
}
AUDIO = b"ID3\x04\x00" + bytes(range(256)) * 2048
"""More than is held in one piece."""


class StrictMistralSpeech:
    """Put one into `FakeUpstream.otherwise`. `refused` holds the words of every refusal, in order."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def __call__(self, seen: Seen) -> Reply:
        words, status = self._fault(seen)
        if words:
            self.refused.append(words)
            return Reply.json({"object": "error", "message": {"detail": [{"loc": ["body"], "msg": words}]}}, status)
        return Reply.json({"audio_data": base64.b64encode(AUDIO).decode()})

    def _fault(self, seen: Seen) -> tuple[str, int]:
        """What is wrong, "" for nothing, and its status."""
        if not seen.headers.get("authorization", "").startswith("Bearer "):
            return "Unauthorized", 401
        if (seen.method, seen.path) != ("POST", "/v1/audio/speech"):
            return "no Route matched with those values", 404
        asked: dict[str, Any] = seen.json()
        if asked.keys() - MEMBERS:
            return f"Extra inputs are not permitted: {min(asked.keys() - MEMBERS)}", 422
        if not asked.get("input"):
            return "input: Field required", 422
        if asked.get("response_format", "mp3") not in FORMATS:
            return "response_format: Input should be 'pcm', 'wav', 'mp3', 'flac' or 'opus'", 422
        if "ref_audio" not in asked and asked.get("voice_id") not in VOICES:
            return "voice_id: unknown voice", 404
        return "", 200
