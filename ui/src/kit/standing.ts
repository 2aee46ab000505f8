// Where limits stand: asked for by owner, page by page, and found again in what was answered.

import { queryOptions, useQueries } from "@tanstack/react-query";
import { get } from "./api";
import { keys } from "./query";
import type { Limited, Standing, Stored } from "./types";

export type OwnerKind = "key" | "team" | "customer" | "provider" | "model" | "provider_key";

const ASK_AGAIN_MS = 10_000;

export const standingQuery = (kind: OwnerKind, ids: readonly string[]) =>
  queryOptions({
    queryKey: keys.standing(kind, ids),
    queryFn: async ({ signal }) => (await get<{ items: Standing[] }>("standing", { kind, id: ids }, signal)).items,
    enabled: ids.length > 0,
    refetchInterval: ASK_AGAIN_MS,
  });

/** The standings of pages of objects: one request for each page, and none for objects without limits. */
export function useStandings<T extends Limited>(kind: OwnerKind, pages: readonly (readonly T[])[], idOf: (one: T) => string): Standing[] {
  return useQueries({
    queries: pages.map((page) => standingQuery(kind, page.filter(isLimited).map(idOf))),
    combine: (answers) => answers.flatMap((answer) => answer.data ?? []),
  });
}

export function isLimited(one: Limited): boolean {
  return one.budgets.length + one.rate_limits.length > 0;
}

export function standingsOf(all: readonly Standing[], kind: OwnerKind, id: string): Standing[] {
  return all.filter((one) => one.owner === `${kind}/${id}`);
}

/** What is known of an object's limits before the API has said how they stand. */
export function unknownStandings(one: Limited & Partial<Stored>): (Omit<Standing, "spent" | "owner"> & { spent: null })[] {
  const budgets = one.budgets.map((budget, index) => ({ limit_id: `budget ${index}`, metric: "cost" as const, window: budget.window, amount: budget.amount_usd * 1e9 }));
  const rates = one.rate_limits.map((limit, index) => ({ limit_id: `limit ${index}`, ...limit }));
  return [...budgets, ...rates].map((limit) => ({ ...limit, spent: null, resets_at_ms: null }));
}
