// What the page asks the API for: the providers, how they are, and before one is deleted, what uses it.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, idPath } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Page, Stored, VirtualKey } from "@/kit/types";
import type { Provider, ProviderHealth } from "./types";
import { namesProvider } from "./uses";

const PAGE = 100;
const HEALTH_MS = 5_000;
const KEYS_LOOKED_AT = 500;
export const MODELS_SHOWN = 12;

export const providersQuery = (search: string) =>
  infiniteQueryOptions({
    queryKey: keys.list("providers", { search }),
    queryFn: ({ pageParam, signal }) => get<Page<Provider>>("providers", { limit: PAGE, after: pageParam, search }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
  });

export const providerQuery = (id: string) =>
  queryOptions({
    queryKey: keys.one("providers", id),
    queryFn: ({ signal }) => get<Provider>(`providers/${idPath(id)}`, undefined, signal),
  });

export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: async ({ signal }) => {
    const { providers } = await get<{ providers: ProviderHealth[] }>("health", undefined, signal);
    return new Map(providers.map((one) => [one.name, one]));
  },
  refetchInterval: HEALTH_MS,
});

export const offeredQuery = (provider: string) =>
  queryOptions({
    queryKey: keys.list("models", { provider, limit: MODELS_SHOWN }),
    queryFn: ({ signal }) => get<Page<{ id: string; model: string }>>("models", { provider, limit: MODELS_SHOWN }, signal),
    staleTime: 30_000,
  });

export interface Uses {
  rules: string[];
  fallbacks: string[];
  keys: string[];
  /** There are more keys than were looked at. */
  moreKeys: boolean;
}

/** What names a provider. Rules and fallbacks keep it from being deleted, keys do not. */
export async function readUses(provider: string): Promise<Uses> {
  const [rules, fallbacks, callers] = await Promise.all([
    get<Page<Stored>>("routing-rules", { provider, limit: 20 }),
    get<Page<Stored>>("fallbacks", { provider, limit: 20 }),
    get<Page<VirtualKey>>("keys", { limit: KEYS_LOOKED_AT }),
  ]);
  return {
    rules: rules.items.map((one) => one.id),
    fallbacks: fallbacks.items.map((one) => one.id),
    keys: callers.items.filter((one) => namesProvider(one, provider)).map((one) => one.name),
    moreKeys: callers.next !== null,
  };
}
