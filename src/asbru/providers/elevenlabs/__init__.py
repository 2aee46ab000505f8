"""ElevenLabs: speech and transcription, for callers of the OpenAI surface."""

from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="elevenlabs",
    title="ElevenLabs",
    access=(Access(dialect="elevenlabs", auth="xi-api-key", operations=("speech", "transcriptions", "models")),),
    docs_url="https://elevenlabs.io/docs/api-reference/introduction",
    base_url="https://api.elevenlabs.io/v1",
    env_key="ELEVENLABS_API_KEY",
    price_id="elevenlabs",
    known_models=("eleven_v3", "eleven_multilingual_v2", "eleven_flash_v2_5", "eleven_turbo_v2_5", "scribe_v2"),
)
