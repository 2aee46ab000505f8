import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, idPath } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Page } from "@/kit/types";
import type { Check, GuardrailRule, ProofRow } from "./rule";

const PAGE = 500;

export const rulesQuery = infiniteQueryOptions({
  queryKey: keys.list("guardrails", {}),
  queryFn: ({ pageParam, signal }) => get<Page<GuardrailRule>>("guardrails", { limit: PAGE, after: pageParam }, signal),
  initialPageParam: "",
  getNextPageParam: (last) => last.next ?? undefined,
});

export const ruleQuery = (id: string) =>
  queryOptions({
    queryKey: keys.one("guardrails", id),
    queryFn: ({ signal }) => get<GuardrailRule>(`guardrails/${idPath(id)}`, undefined, signal),
  });

export const checksQuery = queryOptions({
  queryKey: keys.list("guardrails", { checks: true }),
  queryFn: async ({ signal }) => (await get<Page<Check>>("guardrails/checks", undefined, signal)).items,
  staleTime: Number.POSITIVE_INFINITY,
});

export const proofQuery = (rule: string) =>
  queryOptions({
    queryKey: keys.list("guardrails", { proof: rule }),
    queryFn: ({ signal }) => get<{ rows: ProofRow[]; problems: string[] }>("guardrails/explain", { rule }, signal),
  });
