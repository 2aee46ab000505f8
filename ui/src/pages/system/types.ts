export interface Process {
  role: string;
  pid: number;
  started_ms: number;
  state: "starting" | "ready" | "down";
  rss_bytes: number | null;
  cpu_s: number | null;
}

export interface Worker {
  index: number;
  pid: number;
  started_ms: number;
  in_flight: number;
  open_connections: number;
  queued: number;
  loop_lag_ms: number;
  feed_version: number | null;
  leases: number;
}

export interface Store {
  name: string;
  url: string;
  bytes: number;
  records: number;
  oldest_ms: number | null;
  behind_rows: number;
}

export interface System {
  version: string;
  started_at: string;
  snapshot: { id: number; made_ms: number; problems: string[] };
  processes: Process[];
  workers: Worker[];
  stores: Store[];
  settings_source: string | null;
}

export interface Circuit {
  target: string;
  state: "open" | "half_open";
  until_ms: number;
}

export interface Provider {
  name: string;
  dialect: string;
  keys: { name: string; state: string; cooling_until_ms: number | null; models_cooling: number }[];
  circuits: Circuit[];
  in_flight: number;
  queued: number;
  calls_5m: number;
  failed_5m: number;
  latency_p95_us: number | null;
}

export interface Health {
  providers: Provider[];
}
