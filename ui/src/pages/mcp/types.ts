export interface Grant {
  server: string;
  user: string;
  state: string;
  reason: string;
  issuer: string;
  scope: string;
  expires_ms: number;
}

export interface ToolServerSummary {
  name: string;
  state: string;
  reason: string;
  era: string;
  version: string;
  endpoint: string;
  tools: number;
  resources: number;
  resource_templates: number;
  prompts: number;
  held: number;
  suspicious: number;
  grants: Grant[];
}

/** A tool, resource, resource template or prompt, as the server gave it. */
export interface Offered {
  name: string;
  digest: string;
  held: boolean;
  /** What of it looks like prompt injection; "" for nothing. */
  suspicion: string;
  definition: Record<string, unknown>;
  /** Of a held one: what it was when it was approved. */
  approved?: Record<string, unknown> | null;
}

export interface ShownServer extends ToolServerSummary {
  instructions: string;
  offers: { tools: Offered[]; resources: Offered[]; resource_templates: Offered[]; prompts: Offered[] };
}

export interface ListedTool {
  server: string;
  name: string;
  description: string;
  held: boolean;
  suspicion: string;
}

/** How a server answers before it is added. */
export interface TriedServer {
  state: string;
  reason: string;
  version: string;
  name: string;
  tools: { name: string; description: string; suspicion: string }[];
  tools_count: number;
}

/** A key that may use a tool, and whose list lets it. */
export interface Permitted {
  key: string;
  team: string | null;
  owner: string;
  pattern: string;
}

export interface ToolGroup {
  id: string;
  name: string;
  tools: string[];
  source: "file" | "api";
  version: number;
}
