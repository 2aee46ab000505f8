// What the API answers of providers: as they are stored, and how they are.

import type { Stored } from "@/kit/types";

export interface ProviderKey {
  name: string;
  value: string;
  models: string[];
  weight: number;
  aliases: Record<string, string>;
}

export interface Provider extends Stored {
  name: string;
  type: string | null;
  base_url: string | null;
  dialect: string | null;
  keys: ProviderKey[];
}

export interface KeyHealth {
  name: string;
  /** limited: the provider said when to come back; refused: it did not take the key. */
  state: "ok" | "limited" | "refused";
  cooling_until_ms: number | null;
  models_cooling: number;
  calls: number;
  failed: number;
  last_error: { code: string; message: string } | null;
}

export interface Circuit {
  target: string;
  state: "open" | "half_open";
  until_ms: number;
}

export interface ProviderHealth {
  name: string;
  dialect: string;
  keys: KeyHealth[];
  circuits: Circuit[];
  in_flight: number;
  queued: number;
  calls_5m: number;
  failed_5m: number;
  latency_p95_us: number | null;
}

export interface Tested {
  ok: boolean;
  problems: string[];
}
