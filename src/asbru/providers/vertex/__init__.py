"""Google's Vertex AI: Gemini models in their own dialect, Claude in Anthropic's; the model in the path tells which."""

from asbru.core.traits import Addressing
from asbru.providers.kit import Access, Provider

AUTH = "asbru.providers.vertex.credential:make"
AUTH_WORDS = "a token of Google's, or `x-goog-api-key`"
_CLAUDE = "/publishers/anthropic/models/{model}"

PROVIDER = Provider(
    name="vertex",
    title="Google Vertex AI",
    access=(
        Access(
            dialect="gemini",
            auth=AUTH,
            auth_words=AUTH_WORDS,
            operations=("chat", "count_tokens"),
            addressing=Addressing(prefix="/publishers/google"),
        ),
        Access(
            dialect="anthropic_messages",
            auth=AUTH,
            auth_words=AUTH_WORDS,
            operations=("chat",),
            addressing=Addressing(
                paths={"chat": f"{_CLAUDE}:rawPredict"},
                stream_paths={"chat": f"{_CLAUDE}:streamRawPredict"},
                members={"anthropic_version": "vertex-2023-10-16"},
                without=("model", "tags"),
                header_values_without={"anthropic-beta": ("request-tags-2026-08-21",)},
                models=("claude-*",),
            ),
        ),
    ),
    docs_url="https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference",
    address_example="https://REGION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/REGION",
    key_forms=("the JSON file of a service account", "the JSON file of gcloud's own credentials", "an API key"),
    env_key="GOOGLE_APPLICATION_CREDENTIALS_JSON",
    price_id="google",
    vendor="gcp.vertex_ai",
    models_of=("gemini", "anthropic"),
)
