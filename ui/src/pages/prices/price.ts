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
  image_input: number | null;
  image_output: number | null;
  /** US dollars each, of what is charged by the piece. */
  units: Record<string, number>;
}

export const AMOUNTS = ["input", "output", "cache_read", "cache_write", "cache_write_1h", "audio_input", "audio_output", "image_input", "image_output"] as const;

/** What may be charged by the piece, in words. */
export const UNITS: Record<string, string> = { image: "Image", second: "Second of audio", character: "Character", page: "Page", search: "Search", request: "Request" };

/** With another price for a unit; without one, the unit is free of charge. */
export function withUnit(units: Record<string, number>, unit: string, usd: number | null): Record<string, number> {
  const { [unit]: _, ...others } = units;
  return usd === null ? others : { ...others, [unit]: usd };
}

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
