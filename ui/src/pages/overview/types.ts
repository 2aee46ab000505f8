// What `GET /overview` answers.

export interface Sums {
  calls: number;
  failed: number;
  unpriced: number;
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  cost_nanousd: number;
  latency_p50_us: number | null;
  latency_p95_us: number | null;
  latency_p99_us: number | null;
  first_token_p50_us: number | null;
  first_token_p95_us: number | null;
}

export interface Group {
  name: string;
  totals: Sums;
  before: Sums;
  points: { at_ms: number; calls: number; failed: number; cost_nanousd: number; tokens: number }[];
}

export interface Overview {
  span: { since_ms: number; until_ms: number; step_s: number };
  totals: Sums;
  before: Sums;
  points: (Sums & { at_ms: number })[];
  groups: Group[];
  errors: { code: string; calls: number }[];
}
