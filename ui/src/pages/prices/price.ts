// A price of your own as the API gives it, and which models it is for. Pure.

import type { Stored } from "../../kit/types.ts";

/** US dollars for a million tokens; null: that of the bucket which it belongs to. */
export interface Price extends Stored {
  name: string;
  input: number;
  output: number;
  cache_read: number | null;
  cache_write: number | null;
  cache_write_1h: number | null;
  audio_input: number | null;
  audio_output: number | null;
}

export const AMOUNTS = ["input", "output", "cache_read", "cache_write", "cache_write_1h", "audio_input", "audio_output"] as const;

/** Whether a `provider/model` with `*` at the ends of either is about a model. */
export function isAbout(pattern: string, provider: string, model: string): boolean {
  const slash = pattern.indexOf("/");
  if (slash < 0) return false;
  return fitsGlob(pattern.slice(0, slash), provider) && fitsGlob(pattern.slice(slash + 1).toLowerCase(), model.toLowerCase());
}

function fitsGlob(glob: string, text: string): boolean {
  const inner = glob.replace(/^\*/, "").replace(/\*$/, "");
  if (glob === "*" || (glob.startsWith("*") && glob.endsWith("*"))) return text.includes(inner);
  if (glob.startsWith("*")) return text.endsWith(inner);
  return glob.endsWith("*") ? text.startsWith(inner) : text === inner;
}
