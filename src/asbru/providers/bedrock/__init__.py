"""Amazon Bedrock: models of many makers by the Converse API, and Claude by its own body too; with an API key, or signed
by Signature Version 4 (`credential`)."""

from asbru.providers.kit import Access, Provider

AUTH = "asbru.providers.bedrock.credential:make"
AUTH_WORDS = "`authorization`: an API key, or a signature of AWS keys (Signature Version 4)"

PROVIDER = Provider(
    name="bedrock",
    title="Amazon Bedrock",
    access=(
        Access(dialect="bedrock_converse", auth=AUTH, auth_words=AUTH_WORDS, operations=("chat", "count_tokens")),
        Access(
            dialect="bedrock_invoke",
            auth=AUTH,
            auth_words=AUTH_WORDS,
            operations=("chat",),
            models=("*anthropic.claude-*",),
        ),
    ),
    docs_url="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
    base_url="https://bedrock-runtime.us-east-1.amazonaws.com",
    address_example="https://bedrock-runtime.REGION.amazonaws.com",
    key_forms=(
        "an API key of Bedrock",
        '{"access_key_id": ..., "secret_access_key": ...}',
        '{"source": "default"} for the credentials of the machine; "role_arn" names a role',
    ),
    env_key="AWS_BEARER_TOKEN_BEDROCK",
    price_id="aws",
    vendor="aws.bedrock",
)
