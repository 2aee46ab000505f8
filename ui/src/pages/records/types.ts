// What `GET /records/ID` and its bodies answer, beyond the row.

import type { CallRecord } from "@/kit/types";

export interface Attempt {
  provider: string;
  model: string;
  key: string;
  status: number;
  outcome: string;
  sent: boolean;
  billed: boolean;
  ms: number;
  input_tokens: number | null;
  output_tokens: number | null;
  cost_nanousd: number | null;
  reason: string;
}

export interface RecordDetail extends CallRecord {
  tags: Record<string, string>;
  attempts_detail: Attempt[];
  route_steps: string[];
  session_id: string | null;
  bodies: { request: number | null; response: number | null } | null;
}

export interface Body {
  bytes: number;
  truncated: boolean;
  text?: string | null;
  base64?: string | null;
}

export interface Bodies {
  request: Body | null;
  response: Body | null;
  upstream_request?: Body | null;
  upstream_response?: Body | null;
}
