// The types of providers that this version knows, as the API lists them.

import { queryOptions } from "@tanstack/react-query";
import { get } from "./api";
import { keys } from "./query";
import type { Page } from "./types";

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
}

export const providerTypesQuery = queryOptions({
  queryKey: keys.list("provider-types"),
  queryFn: async ({ signal }) => (await get<Page<ProviderType>>("provider-types", undefined, signal)).items,
  staleTime: Infinity,
});
