import { count, relative } from "./format.ts";
import type { Standing } from "./types.ts";

/** When a limit is free again, in words: "resets in 3 days". */
export function resetWords(one: Pick<Standing, "metric" | "window" | "resets_at_ms" | "parts">, now_ms: number = Date.now()): string {
  if (one.metric === "concurrency") return "at any moment";
  if (one.window === "run") return one.parts?.runs ? `fullest of ${count(one.parts.runs, "run")}` : "for each run by itself";
  if (one.resets_at_ms !== null) return one.resets_at_ms <= now_ms ? "resets now" : `resets ${relative(one.resets_at_ms, now_ms)}`;
  return one.metric === "cost" ? "begins with the next call" : "frees up continuously";
}
