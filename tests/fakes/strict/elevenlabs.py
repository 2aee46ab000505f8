"""ElevenLabs' speech and transcription, as strict as they are documented: key, voice, format, model, members.

Source: https://elevenlabs.io/docs/api-reference/text-to-speech/convert and /speech-to-text/convert
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from tests.fakes.forms import read_parts
from tests.fakes.upstream import Reply, Seen

VOICES = ("JBFqnCBsd6RMkjVDRZzb", "9BWtsMINqrJLrRacOk9x")
FORMATS = ("mp3_44100_128", "mp3_22050_32", "opus_48000_128", "pcm_24000", "wav_44100")
SPEAKERS = ("eleven_v3", "eleven_multilingual_v2", "eleven_flash_v2_5")
HEARERS = ("scribe_v1", "scribe_v2")
SPOKEN = {
    *("text", "model_id", "language_code", "voice_settings", "seed", "previous_text", "next_text"),
    "apply_text_normalization",
}
HEARD = {"model_id", "file", "language_code", "temperature", "tag_audio_events", "diarize", "timestamps_granularity"}
AUDIO = b"ID3\x04\x00" + bytes(range(256)) * 64


class StrictElevenLabs:
    """Put one into `FakeUpstream.otherwise`. `refused` holds the words of every refusal, in order."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def __call__(self, seen: Seen) -> Reply:
        words, status = self._fault(seen)
        if words:
            self.refused.append(words)
            return Reply.json({"detail": {"status": "invalid", "message": words}}, status)
        if "/text-to-speech/" in seen.path:
            return Reply.body(AUDIO, "audio/mpeg")
        said = [{"text": "Hello.", "start": 0.1, "end": 0.5, "type": "word", "speaker_id": "speaker_0"}]
        about = {"language_code": "eng", "language_probability": 0.9, "audio_duration_secs": 1.2}
        return Reply.json({"text": "Hello.", "words": said, **about})

    def _fault(self, seen: Seen) -> tuple[str, int]:
        """What is wrong, "" for nothing, and its status."""
        if not seen.headers.get("xi-api-key") or "authorization" in seen.headers:
            return "invalid api key", 401
        if seen.path.startswith("/v1/text-to-speech/"):
            return _spoken(seen), 422
        if seen.path == "/v1/speech-to-text":
            return _heard(seen), 422
        return "Not Found", 404


def _spoken(seen: Seen) -> str:
    asked: dict[str, Any] = seen.json()
    query = parse_qs(seen.target.partition("?")[2])
    if seen.path.rpartition("/")[2] not in VOICES:
        return "A voice with this voice_id was not found."
    if query.get("output_format", [FORMATS[0]])[0] not in FORMATS or query.keys() - {"output_format"}:
        return "Invalid output format."
    if asked.get("model_id") not in SPEAKERS or not asked.get("text") or asked.keys() - SPOKEN:
        return "Invalid request."
    speed = asked.get("voice_settings", {}).get("speed", 1)
    return "" if 0.7 <= speed <= 1.2 else "Invalid speed."


def _heard(seen: Seen) -> str:
    parts = read_parts(seen.body, seen.headers["content-type"])
    fields = {name: content for name, filename, content in parts if filename is None}
    files = [name for name, filename, _ in parts if filename is not None]
    if files != ["file"] or fields.keys() - HEARD or fields.get("model_id", b"").decode() not in HEARERS:
        return "Invalid request."
    return ""
