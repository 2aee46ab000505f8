"""instructor, litellm and together, each whole, streamed or with a schema. Prints one line of JSON.

Run in an environment of their own: `clients.frameworks`.
"""

import json
import sys

import instructor
import litellm
import openai
from pydantic import BaseModel
from together import Together

base_url, key, prefix = sys.argv[1:]
WORDS = "what will the weather be"
ASK = [{"role": "user", "content": WORDS}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": "forecast", "description": "The weather", "parameters": PARAMETERS}}
]


class Forecast(BaseModel):
    """What instructor is to fill in."""

    city: str


def by_instructor() -> dict[str, object]:
    """A model that is filled in by a tool call."""
    client = instructor.from_openai(openai.OpenAI(base_url=base_url, api_key=key, max_retries=0))
    found = client.chat.completions.create(
        model=f"{prefix}tools", messages=ASK, response_model=Forecast, max_retries=1
    )
    return {"city": found.city}


def by_litellm() -> dict[str, object]:
    """As a client of a gateway that speaks the OpenAI dialect."""
    common = {"api_base": base_url, "api_key": key, "num_retries": 0}
    whole = litellm.completion(model=f"openai/{prefix}echo", messages=ASK, **common)
    pieces = litellm.completion(model=f"openai/{prefix}echo", messages=ASK, stream=True, **common)
    streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    called = litellm.completion(model=f"openai/{prefix}tools", messages=ASK, tools=TOOLS, **common).choices[0].message
    result = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "forecast is 7"}
    end = litellm.completion(
        model=f"openai/{prefix}tools", messages=[*ASK, called.model_dump(), result], tools=TOOLS, **common
    )
    return {
        "whole": whole.choices[0].message.content,
        "usage": whole.usage.total_tokens,
        "streamed": streamed,
        "called": called.tool_calls[0].function.name,
        "end": end.choices[0].message.content,
    }


def by_together() -> dict[str, object]:
    """Together's own SDK."""
    client = Together(base_url=base_url.removesuffix("/v1"), api_key=key, max_retries=0)
    whole = client.chat.completions.create(model=f"{prefix}echo", messages=ASK)
    chunks = client.chat.completions.create(model=f"{prefix}echo", messages=ASK, stream=True)
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    called = client.chat.completions.create(model=f"{prefix}tools", messages=ASK, tools=TOOLS).choices[0].message
    result = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "forecast is 7"}
    messages = [*ASK, called.model_dump(exclude_none=True), result]
    end = client.chat.completions.create(model=f"{prefix}tools", messages=messages, tools=TOOLS)
    return {
        "whole": whole.choices[0].message.content,
        "usage": whole.usage.total_tokens,
        "streamed": streamed,
        "called": called.tool_calls[0].function.name,
        "end": end.choices[0].message.content,
    }


told = {"instructor": by_instructor(), "litellm": by_litellm(), "together": by_together()}
sys.stdout.write(json.dumps(told) + "\n")
