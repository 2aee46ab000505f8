import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, idPath } from "@/kit/api";
import { keys } from "@/kit/query";
import type { CallRecord, Page } from "@/kit/types";
import type { Rule } from "./rule";

const PAGE = 500;
const RECENT = 50;
const RECENT_COLUMNS = "started_ms,caller,surface,model_asked,provider,model_served,outcome";

export const rulesQuery = (provider: string) =>
  infiniteQueryOptions({
    queryKey: keys.list("routing-rules", { provider }),
    queryFn: ({ pageParam, signal }) => get<Page<Rule>>("routing-rules", { limit: PAGE, after: pageParam, ...(provider ? { provider } : {}) }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
  });

export const ruleQuery = (id: string) =>
  queryOptions({
    queryKey: keys.one("routing-rules", id),
    queryFn: ({ signal }) => get<Rule>(`routing-rules/${idPath(id)}`, undefined, signal),
  });

export const providerNamesQuery = queryOptions({
  queryKey: keys.list("providers", { names: true }),
  queryFn: async ({ signal }) => (await get<Page<{ name: string }>>("providers", { limit: 500 }, signal)).items.map((one) => one.name),
  staleTime: 60_000,
});

export const modelNamesQuery = queryOptions({
  queryKey: keys.list("models", { names: true }),
  queryFn: async ({ signal }) => (await get<Page<{ id: string }>>("models", { limit: PAGE }, signal)).items.map((one) => one.id),
  staleTime: 60_000,
});

export type Recent = Pick<CallRecord, "id" | "started_ms" | "caller" | "surface" | "model_asked" | "provider" | "model_served" | "outcome">;

export const recentQuery = queryOptions({
  queryKey: keys.list("records", { tried: true }),
  queryFn: async ({ signal }) => (await get<Page<Recent>>("records", { limit: RECENT, columns: RECENT_COLUMNS }, signal)).items,
  staleTime: 5_000,
});

export interface TrialResult {
  matched: string[];
  route: string;
  targets: { provider: string; model: string; key: string; weight: number }[];
  fallbacks: string[];
  problems: { message: string; field: string; line: number | null; column: number | null }[];
}
