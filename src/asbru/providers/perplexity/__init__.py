"""Perplexity: the Responses API for models of several makers, with web search as a tool; chat completions are over."""

from asbru.providers.kit import Access, Provider

PROVIDER = Provider(
    name="perplexity",
    title="Perplexity",
    access=(Access(dialect="openai_responses", operations=("chat",)),),
    docs_url="https://docs.perplexity.ai/docs/agent-api/openai-compatibility",
    base_url="https://api.perplexity.ai/v1",
    env_key="PERPLEXITY_API_KEY",
    price_id="perplexity",
)
