// One call of a tool by the public API, with a key that may call tools and nothing else. It is kept in memory only.

import { post } from "@/kit/api";
import { queryClient } from "@/kit/query";

const KEY = ["mcp", "try", "key"];
/** Of the hour that a key lasts: it is not used in its last five minutes. */
const KEY_FRESH_MS = 55 * 60_000;
/** A new key takes a moment to reach the workers. */
const TRIES = 12;
const PAUSE_MS = 250;

export interface Tried {
  ok: boolean;
  /** The result, or the error, as JSON to read. */
  text: string;
  took_us: number;
  /** Of the record; "" where there is none. */
  id: string;
}

async function keyValue(): Promise<string> {
  const key = await queryClient.fetchQuery({ queryKey: KEY, queryFn: () => post<{ value: string }>("mcp/tools/key"), staleTime: KEY_FRESH_MS, gcTime: KEY_FRESH_MS });
  return key.value;
}

export async function callTool(name: string, given: unknown): Promise<Tried> {
  const body = JSON.stringify({ name, arguments: given });
  for (let tried = 1; ; tried++) {
    const value = await keyValue();
    const began_ms = performance.now();
    const response = await fetch("/v1/mcp/tools/call", { method: "POST", headers: { authorization: `Bearer ${value}`, "content-type": "application/json" }, body });
    if (response.status === 401 && tried < TRIES) {
      if (tried === TRIES / 2) queryClient.removeQueries({ queryKey: KEY }); // it has been deleted, or pushed out by other windows
      await new Promise((done) => setTimeout(done, PAUSE_MS));
      continue;
    }
    const text = await response.text();
    return { ok: response.ok && !isError(text), text: readable(text), took_us: (performance.now() - began_ms) * 1000, id: response.headers.get("x-request-id") ?? "" };
  }
}

function isError(text: string): boolean {
  try {
    return (JSON.parse(text) as { isError?: boolean }).isError === true;
  } catch {
    return true;
  }
}

export function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
