// The models of a provider, as it lists them itself, in the order in which they are offered for a first call.

import { queryOptions } from "@tanstack/react-query";
import { get } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Page } from "@/kit/types";
import { inOrder, type Priced } from "./first-models";

const KNOWN_MAX = 500;

export const firstModelsQuery = (provider: string, key: string) =>
  queryOptions({
    queryKey: keys.list("models", { first: provider }),
    queryFn: async ({ signal }) => {
      const [listed, known] = await Promise.all([readListed(key, signal), get<Page<Priced>>("models", { provider, limit: KNOWN_MAX }, signal)]);
      return inOrder(provider, listed, known.items);
    },
  });

/** What callers with this key are told; nothing where that cannot be found out. */
async function readListed(key: string, signal: AbortSignal): Promise<string[]> {
  try {
    const response = await fetch("/v1/models", { headers: { authorization: `Bearer ${key}` }, signal });
    return ((await response.json()) as { data: { id: string }[] }).data.map((one) => one.id);
  } catch {
    return [];
  }
}
