// Lines to copy that call the gateway with a key, for the clients that people begin with.

export interface Snippet {
  id: string;
  label: string;
  code: string;
}

export function snippets(origin: string, key: string, model: string): Snippet[] {
  return [
    {
      id: "curl",
      label: "curl",
      code: `curl ${origin}/v1/chat/completions \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hi"}]}'`,
    },
    {
      id: "openai",
      label: "OpenAI SDK",
      code: `from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key="${key}")
reply = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Hi"}],
)
print(reply.choices[0].message.content)`,
    },
    {
      id: "anthropic",
      label: "Anthropic SDK",
      code: `from anthropic import Anthropic

client = Anthropic(base_url="${origin}/anthropic", api_key="${key}")
reply = client.messages.create(
    model="${model}",
    max_tokens=200,
    messages=[{"role": "user", "content": "Hi"}],
)
print(reply.content[0].text)`,
    },
    {
      id: "claude",
      label: "Claude Code",
      code: `ANTHROPIC_BASE_URL=${origin}/anthropic \\
ANTHROPIC_AUTH_TOKEN=${key} \\
ANTHROPIC_DEFAULT_SONNET_MODEL=${model} \\
ANTHROPIC_DEFAULT_HAIKU_MODEL=${model} \\
claude --model ${model}`,
    },
  ];
}
