// What the page asks the API for: the keys, page by page.

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, idPath } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Page, Team, VirtualKey } from "@/kit/types";

const PAGE = 100;

export const keysQuery = (search: string) =>
  infiniteQueryOptions({
    queryKey: keys.list("keys", { search }),
    queryFn: ({ pageParam, signal }) => get<Page<VirtualKey>>("keys", { limit: PAGE, after: pageParam, search }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
  });

export const keyQuery = (id: string) =>
  queryOptions({
    queryKey: keys.one("keys", id),
    queryFn: ({ signal }) => get<VirtualKey>(`keys/${idPath(id)}`, undefined, signal),
  });

export const ownersQuery = (noun: "teams" | "customers") =>
  queryOptions({
    queryKey: keys.list(noun),
    queryFn: async ({ signal }) => (await get<Page<Team>>(noun, { limit: 500 }, signal)).items.map((one) => one.name),
    staleTime: 60_000,
  });

