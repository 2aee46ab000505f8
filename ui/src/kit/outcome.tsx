import { Status, type Tone } from "./status";
import type { CallRecord } from "./types";

const WORDS: Record<CallRecord["outcome"], [Tone, string]> = {
  ok: ["ok", "succeeded"],
  error: ["bad", "failed"],
  cut: ["bad", "broken off by the provider"],
  cancelled: ["warn", "cancelled by the caller"],
  refused: ["warn", "refused by Asbru"],
};

/** The status that the caller got, coloured by what became of the call. */
export function Outcome({ record, long = false }: { record: Pick<CallRecord, "outcome" | "status">; long?: boolean }) {
  const [tone, words] = WORDS[record.outcome] ?? ["plain", record.outcome];
  return <Status tone={tone} title={words}>{record.status}{long && ` ${words}`}</Status>;
}
