// The models of a provider, as it lists them itself, in the order in which they are offered for a first call.

import { queryOptions } from "@tanstack/react-query";
import { get } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Page } from "@/kit/types";
import { inOrder, type Priced } from "./first-models";

const KNOWN_MAX = 500;
const TRIES_MAX = 5;
const PAUSE_MS = 400;

export const firstModelsQuery = (provider: string, key: string) =>
  queryOptions({
    queryKey: keys.list("models", { first: provider }),
    queryFn: async ({ signal }) => {
      const [listed, known] = await Promise.all([readListed(key, signal), get<Page<Priced>>("models", { provider, limit: KNOWN_MAX }, signal)]);
      return inOrder(provider, listed, known.items);
    },
  });

/** What callers with this key are told; nothing where that cannot be found out. Workers know a new key after a moment. */
async function readListed(key: string, signal: AbortSignal, tries = TRIES_MAX): Promise<string[]> {
  try {
    const response = await fetch("/v1/models", { headers: { authorization: `Bearer ${key}` }, signal });
    if (response.status === 401 && tries > 1) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      return await readListed(key, signal, tries - 1);
    }
    return ((await response.json()) as { data: { id: string }[] }).data.map((one) => one.id);
  } catch {
    return [];
  }
}
