// The cache of answers: its keys, and how often it asks again. Polling stops in a hidden tab.

import { QueryClient } from "@tanstack/react-query";
import { ApiError, Unreachable } from "./api";

/** Query keys, from the general to the particular, so that one line makes all pages of a noun ask anew. */
export const keys = {
  me: ["me"] as const,
  setup: ["setup"] as const,
  openapi: ["openapi"] as const,
  noun: (noun: string) => [noun] as const,
  list: (noun: string, filters: object = {}) => [noun, "list", filters] as const,
  one: (noun: string, id: string) => [noun, "one", id] as const,
  standing: (kind: string, ids: readonly string[]) => ["standing", kind, ids] as const,
};

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: true,
      refetchIntervalInBackground: false,
      retry: (failures, error) => !(error instanceof ApiError) && !(error instanceof Unreachable) && failures < 2,
    },
    mutations: { retry: false },
  },
});
