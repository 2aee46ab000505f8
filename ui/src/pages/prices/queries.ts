// What the page asks the API for: the prices, and the models that a price is about.

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, idPath } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Page } from "@/kit/types";
import type { Price } from "./price";

const PAGE = 100;
const OFFERED_MAX = 500;

export const pricesQuery = (search: string) =>
  infiniteQueryOptions({
    queryKey: keys.list("prices", { search }),
    queryFn: ({ pageParam, signal }) => get<Page<Price>>("prices", { limit: PAGE, after: pageParam, search }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
  });

export const priceQuery = (id: string) =>
  queryOptions({
    queryKey: keys.one("prices", id),
    queryFn: ({ signal }) => get<Price>(`prices/${idPath(id)}`, undefined, signal),
  });

export interface Known {
  id: string;
  provider: string;
  model: string;
}

export const modelsQuery = queryOptions({
  queryKey: keys.list("models", { offered: OFFERED_MAX }),
  queryFn: ({ signal }) => get<Page<Known>>("models", { limit: OFFERED_MAX }, signal),
  staleTime: 60_000,
});
