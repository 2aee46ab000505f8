import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Page } from "@/kit/types";
import type { ListedModel } from "./listed";

const PAGE = 500;

export const modelsQuery = (provider: string, search: string) =>
  infiniteQueryOptions({
    queryKey: keys.list("models", { provider, search }),
    queryFn: ({ pageParam, signal }) => get<Page<ListedModel>>("models", { limit: PAGE, after: pageParam, provider, search }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: 30_000,
  });

/** One model, by its id: lists are the only way to it. */
export const modelQuery = (id: string) =>
  queryOptions({
    queryKey: keys.one("models", id),
    queryFn: async ({ signal }) => {
      const page = await get<Page<ListedModel>>("models", { search: id.slice(0, 128), limit: 100 }, signal);
      return page.items.find((one) => one.id === id) ?? null;
    },
    staleTime: 30_000,
  });

export const providerNamesQuery = queryOptions({
  queryKey: keys.list("providers", { names: true }),
  queryFn: async ({ signal }) => (await get<Page<{ name: string }>>("providers", { limit: 500 }, signal)).items.map((one) => one.name),
  staleTime: 60_000,
});
