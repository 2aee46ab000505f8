// What the page asks the API for: the limits, and names to offer while one types.

import { queryOptions } from "@tanstack/react-query";
import { get, idPath } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Limited, Page, Stored } from "@/kit/types";

export type Scope = "provider" | "model" | "provider_key";

export interface ScopeLimits extends Stored, Limited {
  scope: Scope;
  name: string;
}

const LISTED_MAX = 500;
const OFFERED_MAX = 500;

/** All of them: the API lists the scopes together. */
export const limitsQuery = queryOptions({
  queryKey: keys.list("limits"),
  queryFn: ({ signal }) => get<Page<ScopeLimits>>("limits", { limit: LISTED_MAX }, signal),
});

export const limitQuery = (id: string) =>
  queryOptions({
    queryKey: keys.one("limits", id),
    queryFn: ({ signal }) => get<ScopeLimits>(`limits/${idPath(id)}`, undefined, signal),
  });

interface Model {
  id: string;
  provider: string;
}

interface Health {
  providers: { name: string; keys: { name: string }[] }[];
}

/** Names that there are in a scope. */
export const namesQuery = (scope: Scope) =>
  queryOptions({
    queryKey: keys.list("names", { scope }),
    queryFn: async ({ signal }): Promise<string[]> => {
      if (scope === "provider_key") {
        const { providers } = await get<Health>("health", undefined, signal);
        return providers.flatMap((one) => one.keys.map((key) => `${one.name}/${key.name}`));
      }
      const { items } = await get<Page<Model>>("models", { limit: OFFERED_MAX }, signal);
      const providers = [...new Set(items.map((one) => one.provider))];
      return scope === "provider" ? providers : [...providers.map((one) => `${one}/*`), ...items.map((one) => one.id)];
    },
    staleTime: 60_000,
  });
