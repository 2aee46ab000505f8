import type { Scope } from "@/kit/types";

export interface User {
  name: string;
  role: string;
  made_ms: number;
  version: number;
}

/** `expires_ms` 0: never. */
export interface Token {
  name: string;
  role: string;
  made_by: string;
  made_ms: number;
  expires_ms: number;
}

export interface Role {
  name: string;
  permissions: string[];
  scope: { kind: Scope["kind"]; teams: string[] };
  built_in: boolean;
  /** 0: built in. */
  version: number;
}
