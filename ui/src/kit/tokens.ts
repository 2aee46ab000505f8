// Sums of a record's token columns; unknown stays unknown.

import type { CallRecord } from "./types";

const INPUT = ["input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "audio_input_tokens", "image_input_tokens"] as const;
const OUTPUT = ["output_tokens", "reasoning_tokens", "audio_output_tokens", "image_output_tokens"] as const;

export const inputTokens = (record: CallRecord): number | null => sum(record, INPUT);
export const outputTokens = (record: CallRecord): number | null => sum(record, OUTPUT);

function sum(record: CallRecord, names: readonly (keyof CallRecord)[]): number | null {
  const [first] = names;
  return record[first!] === null ? null : names.reduce((total, name) => total + ((record[name] as number | null) ?? 0), 0);
}

/** `{"image": 2, "second": 30}` -> "2 images, 30 seconds"; what cannot be read is shown as it is. */
export function unitWords(units: string): string {
  try {
    return Object.entries(JSON.parse(units) as Record<string, number>).map(([unit, number]) => `${number.toLocaleString("en-US")} ${unit}${number === 1 ? "" : unit === "search" ? "es" : "s"}`).join(", ");
  } catch {
    return units;
  }
}
