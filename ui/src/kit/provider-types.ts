// The types of providers that this version knows, as the API lists them.

import { queryOptions } from "@tanstack/react-query";
import { get } from "./api";
import { keys } from "./query";
import type { Page } from "./types";

/** A field of the form that adds a provider of the type. */
export interface TypeField {
  /** Where its value goes: `base_url`, `keys.0.value`. */
  path: string;
  title: string;
  help: string;
  /** Its JSON schema. */
  form: { enum?: string[] };
  /** What holds where it is left empty. */
  default: unknown;
  required: boolean;
  example: string | null;
  /** What a value may be, in words. */
  one_of: string[];
  secret: boolean;
  env: string | null;
  advanced: boolean;
}

/** How providers of the type are asked in a dialect. */
export interface TypeAccess {
  dialect: string;
  base_url: string | null;
  sent_as: string;
  operations: string[];
  translated: string[];
  headers: Record<string, string>;
}

export interface ProviderType {
  name: string;
  title: string;
  /** As `dialect` of a provider names them. */
  dialects: string[];
  needs_address: boolean;
  needs_dialect: boolean;
  needs_key: boolean;
  /** Asbru answers for it. */
  served_here: boolean;
  docs_url: string | null;
  access: TypeAccess[];
  fields: TypeField[];
}

export const providerTypesQuery = queryOptions({
  queryKey: keys.list("provider-types"),
  queryFn: async ({ signal }) => (await get<Page<ProviderType>>("provider-types", undefined, signal)).items,
  staleTime: Infinity,
});
