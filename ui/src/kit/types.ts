// What the management API answers, written by hand from its OpenAPI description. Times are Unix milliseconds, money is
// integer nano-dollars; null is unknown.

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** What every object has beside its own members. `version` is 0 for objects of the configuration file. */
export interface Stored {
  id: string;
  source: "api" | "file";
  version: number;
  changed_ms?: number;
}

export type Scope =
  | { kind: "all" }
  | { kind: "team"; teams: string[] }
  | { kind: "own"; keys: string[] };

export interface Me {
  name: string;
  role: string;
  csrf?: string;
  via: "session" | "token";
  expires_ms: number | null;
  permissions: string[];
  scope: Scope;
}

export interface Budget {
  amount_usd: number;
  window: string;
  aligned?: boolean;
  timezone?: string;
  policy?: "strict" | "expected";
}

export type Metric = "requests" | "tokens" | "input_tokens" | "output_tokens" | "concurrency";

export interface RateLimit {
  metric: Metric;
  amount: number;
  window: string;
}

export interface Limited {
  budgets: Budget[];
  rate_limits: RateLimit[];
}

export interface ProviderAccess extends Partial<Limited> {
  provider: string;
  models: string[];
  blocked_models?: string[];
  keys?: string[];
  weight?: number | null;
}

export interface VirtualKey extends Stored, Limited {
  name: string;
  team: string | null;
  customer: string | null;
  models: string[];
  blocked_models: string[];
  providers: ProviderAccess[];
  surfaces: string[];
  mcp: string[];
  auto_approve: string[];
  offer_tools: boolean;
  expires_at: string | null;
  active: boolean;
  record_bodies: boolean;
  cache: boolean;
  tags: Record<string, string>;
}

export interface Team extends Stored, Limited {
  name: string;
  mcp: string[];
  customer: string | null;
}

/** Where a limit stands; see `GET /standing`. */
export interface Standing {
  owner: string;
  limit_id: string;
  metric: "cost" | Metric;
  window: string | null;
  amount: number;
  spent: number;
  resets_at_ms: number | null;
  /** `runs`: how many runs are counted, each by itself, by a limit of a run; `spent` is of the fullest. */
  parts?: { booked: number; held: number; runs: number | null };
}

/** The record of one call; see docs/reference for each column. Texts are "" where there is nothing to say. */
export interface CallRecord {
  id: string;
  started_ms: number;
  surface: string;
  caller: string;
  team: string;
  customer: string;
  provider: string;
  model_asked: string;
  model_served: string;
  key_name: string;
  attempts: number;
  status: number;
  outcome: "ok" | "error" | "cut" | "cancelled" | "refused";
  error_code: string;
  error_message: string;
  input_tokens: number | null;
  cache_read_tokens: number | null;
  cache_write_5m_tokens: number | null;
  cache_write_1h_tokens: number | null;
  audio_input_tokens: number | null;
  output_tokens: number | null;
  reasoning_tokens: number | null;
  audio_output_tokens: number | null;
  image_input_tokens: number | null;
  image_output_tokens: number | null;
  /** What was used by the piece, as a JSON object: `{"image": 2}`; "" for nothing. */
  units: string;
  usage_source: string;
  cost_nanousd: number | null;
  latency_us: number;
  first_token_us: number | null;
  stream: boolean | 0 | 1;
  pass_through: boolean | 0 | 1;
  notes: string;
  request_bytes: number;
  response_bytes: number;
  route: string;
  trace_id: string;
  cache: string;
  cache_saved_nanousd: number | null;
  cache_saved_us: number | null;
  guardrails: string;
  parent_id: string;
  session: string;
  agent: string;
}
