// Which virtual keys name a provider, and how providers and their keys are, in words. Pure.

import type { Tone } from "../../kit/status.tsx";
import type { VirtualKey } from "../../kit/types.ts";
import type { KeyHealth, ProviderHealth } from "./types.ts";

/** Whether a key's access names the provider; `*` names none. */
export function namesProvider(key: Pick<VirtualKey, "models" | "providers">, provider: string): boolean {
  return key.models.some((model) => model.startsWith(`${provider}/`)) || key.providers.some((one) => one.provider === provider);
}

export interface Condition {
  tone: Tone;
  words: string;
}

/** How a provider is: the worst that is known of it. Calls that fail are its state only where most of them do. */
export function conditionOf(health: ProviderHealth | undefined, now_ms: number): Condition {
  if (!health) return { tone: "plain", words: "not loaded" };
  const open = health.circuits.filter((circuit) => circuit.state === "open").length;
  const unusable = health.keys.filter((key) => isUnusable(key, now_ms)).length;
  if (health.keys.length > 0 && unusable === health.keys.length) return { tone: "bad", words: unusable === 1 ? "its key is unusable" : "no key is usable" };
  if (health.calls_5m > 0 && health.failed_5m * 2 > health.calls_5m) return { tone: "bad", words: "failing" };
  if (open > 0) return { tone: "warn", words: open === 1 ? "1 circuit open" : `${open} circuits open` };
  if (unusable > 0) return { tone: "warn", words: `${unusable} of ${health.keys.length} keys unusable` };
  if (health.circuits.length > 0) return { tone: "warn", words: "recovering" };
  return { tone: "ok", words: "ok" };
}

export function isUnusable(key: KeyHealth, now_ms: number): boolean {
  return key.state === "refused" || (key.cooling_until_ms !== null && key.cooling_until_ms > now_ms && key.models_cooling === 0);
}

/** "1" of weights 1 and 3 -> 0.25 */
export function shareOf(weight: number, weights: readonly number[]): number {
  const whole = weights.reduce((sum, one) => sum + one, 0);
  return whole > 0 ? weight / whole : 0;
}
