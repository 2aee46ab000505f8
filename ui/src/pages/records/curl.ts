// A call as a line for the shell, with the key as a variable. The body is that of the call where it is stored.

import type { CallRecord } from "@/kit/types";

const PATHS: Record<string, string> = {
  "openai.chat": "/v1/chat/completions",
  "openai.completions": "/v1/completions",
  "openai.embeddings": "/v1/embeddings",
  "anthropic.messages": "/anthropic/v1/messages",
  "anthropic.count_tokens": "/anthropic/v1/messages/count_tokens",
};

export function curlOf(record: Pick<CallRecord, "surface" | "model_asked" | "stream">, body: string | null, origin: string): string {
  const path = PATHS[record.surface] ?? "/v1/chat/completions";
  const sent = body ?? JSON.stringify({ model: record.model_asked, messages: [{ role: "user", content: "..." }], ...(record.stream ? { stream: true } : {}), ...(path.includes("anthropic") ? { max_tokens: 1024 } : {}) });
  return `curl ${origin}${path} \\\n  -H "Authorization: Bearer $ASBRU_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '${sent.replaceAll("'", "'\\''")}'`;
}
