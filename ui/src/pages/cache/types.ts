export interface CacheHeld {
  entries: number;
  bytes: number;
}

export interface CacheUse {
  hits: number;
  misses: number;
  refreshes: number;
  off: number;
  semantic: number;
  shadow_agreed: number;
  shadow_differed: number;
  hit_rate: number | null;
  saved_nanousd: number;
  saved_us: number;
}

export interface CacheStep {
  started_ms: number;
  hits: number;
  misses: number;
  saved_nanousd: number;
}

export interface CacheReport {
  since_ms: number;
  until_ms: number;
  memory: CacheHeld;
  database: CacheHeld;
  use: CacheUse;
  steps: CacheStep[];
}
