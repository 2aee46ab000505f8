// What `GET /sessions` answers.

import type { Standing } from "@/kit/types";

export interface AgentSession {
  id: string;
  caller: string;
  team: string;
  session: string;
  customer: string;
  agent: string;
  first_ms: number;
  last_ms: number;
  calls: number;
  tool_calls: number;
  failed: number;
  unpriced: number;
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  cost_nanousd: number;
  models: string[];
}

/** What `GET /sessions/ID` answers. `limits`: those that count this session by itself. */
export interface OneSession extends AgentSession {
  limits: Standing[];
}
