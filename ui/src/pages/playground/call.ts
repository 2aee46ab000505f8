// One call to the public surface, with the playground's key: streamed or whole, stopped by a signal. It holds no state; the
// key lives in the query cache, in memory only.

import { get, idPath, post } from "@/kit/api";
import { queryClient } from "@/kit/query";
import type { CallRecord } from "@/kit/types";
import { addEvent, emptyReply, readError, type Reply } from "./wire";

const KEY = ["playground", "key"];
/** Of the hour that a key lasts: it is not used in its last five minutes. */
const KEY_FRESH_MS = 55 * 60_000;
/** A new key takes a moment to reach the workers. */
const NEW_KEY_TRIES = 12;
const NEW_KEY_PAUSE_MS = 250;
const RECORD_TRIES = 12;
const RECORD_PAUSE_MS = 500;

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function keyValue(): Promise<string> {
  const key = await queryClient.fetchQuery({ queryKey: KEY, queryFn: () => post<{ value: string }>("playground/key"), staleTime: KEY_FRESH_MS, gcTime: KEY_FRESH_MS });
  return key.value;
}

async function send(body: string, signal: AbortSignal): Promise<Response> {
  let fresh = queryClient.getQueryData(KEY) === undefined;
  let value = await keyValue();
  for (let tried = 1; ; tried++) {
    const response = await fetch("/v1/chat/completions", { method: "POST", headers: { authorization: `Bearer ${value}`, "content-type": "application/json" }, body, signal });
    if (response.status !== 401 || tried >= NEW_KEY_TRIES) return response;
    if (!fresh) {
      // It has been deleted, or pushed out by other windows.
      queryClient.removeQueries({ queryKey: KEY });
      value = await keyValue();
      fresh = true;
    }
    await pause(NEW_KEY_PAUSE_MS);
  }
}

export interface Progress {
  reply: Reply;
  /** Of the record; "" until the response has begun. */
  id: string;
  first_token_ms: number | null;
  total_ms: number | null;
}

/** Calls, and reports the reply as it grows; never throws for what a provider or the gateway answers. */
export async function run(body: Record<string, unknown>, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<Progress> {
  let progress: Progress = { reply: emptyReply(), id: "", first_token_ms: null, total_ms: null };
  const begun = performance.now();
  const passed = () => performance.now() - begun;
  const put = (next: Partial<Progress>) => {
    progress = { ...progress, ...next };
    onProgress(progress);
  };
  const add = (event: unknown) => {
    const reply = addEvent(progress.reply, event);
    const first = progress.first_token_ms ?? (reply.text || reply.reasoning || reply.calls.length ? passed() : null);
    progress = { ...progress, reply, first_token_ms: first };
  };
  try {
    const response = await send(JSON.stringify(body), signal);
    put({ id: response.headers.get("x-asbru-id") ?? "" });
    if (!response.ok) put({ reply: { ...progress.reply, error: await refusal(response) } });
    else if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
      for await (const events of readEvents(response)) {
        events.forEach(add);
        onProgress(progress);
      }
    } else {
      add(await response.json());
      progress = { ...progress, first_token_ms: null };
    }
  } catch (error) {
    const stopped = error instanceof DOMException && error.name === "AbortError";
    put({ reply: { ...progress.reply, stopped, ...(stopped ? { calls: [] } : { error: { code: "not_answered", message: error instanceof Error ? error.message : "The gateway did not answer." } }) } });
  }
  put({ total_ms: passed() });
  return progress;
}

/** The events of each piece that arrives. */
async function* readEvents(response: Response): AsyncGenerator<unknown[]> {
  const decoder = new TextDecoder();
  const reader = response.body!.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += decoder.decode(value, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    const events = lines.flatMap((line) => {
      const data = line.startsWith("data:") ? line.slice(5).trim() : "";
      if (!data || data === "[DONE]") return [];
      try {
        return [JSON.parse(data) as unknown];
      } catch {
        return [];
      }
    });
    if (events.length) yield events;
  }
}

async function refusal(response: Response): Promise<{ code: string; message: string }> {
  try {
    const said = (await response.json()) as { error: Record<string, unknown> };
    return readError(said.error);
  } catch {
    return { code: String(response.status), message: `The call failed with status ${response.status}.` };
  }
}

/** The record of a call, once it is written; null if it does not come in time. */
export async function readRecord(id: string): Promise<CallRecord | null> {
  for (let tried = 0; tried < RECORD_TRIES; tried++) {
    await pause(RECORD_PAUSE_MS);
    try {
      return await get<CallRecord>(`records/${idPath(id)}`);
    } catch {
      // Not written yet: the next try may find it.
    }
  }
  return null;
}
