// What the page asks the API for.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, idPath } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Page, Stored } from "@/kit/types";

export interface Fallback extends Stored {
  from: string;
  to: string[];
}

const PAGE = 100;
const OFFERED_MAX = 500;

export const fallbacksQuery = (search: string) =>
  infiniteQueryOptions({
    queryKey: keys.list("fallbacks", { search }),
    queryFn: ({ pageParam, signal }) => get<Page<Fallback>>("fallbacks", { limit: PAGE, after: pageParam, search }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
  });

export const fallbackQuery = (id: string) =>
  queryOptions({
    queryKey: keys.one("fallbacks", id),
    queryFn: ({ signal }) => get<Fallback>(`fallbacks/${idPath(id)}`, undefined, signal),
  });

/** Ids of models, to offer while one types. */
export const modelsQuery = queryOptions({
  queryKey: keys.list("names", { scope: "targets" }),
  queryFn: async ({ signal }) => (await get<Page<{ id: string }>>("models", { limit: OFFERED_MAX }, signal)).items.map((one) => one.id),
  staleTime: 60_000,
});
