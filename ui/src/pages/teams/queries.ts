// What the page asks the API for: owners page by page, and what belongs to one when it is opened.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, idPath } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Page, Team, VirtualKey } from "@/kit/types";

export type Noun = "teams" | "customers";
/** A customer is a team that belongs to nobody. */
export type Owner = Omit<Team, "customer"> & { customer?: string | null };

const PAGE = 100;
/** Of what belongs to one owner; the rest is found on the page of the keys. */
export const CHILDREN_MAX = 200;

export const ownersQuery = (noun: Noun, search: string) =>
  infiniteQueryOptions({
    queryKey: keys.list(noun, { search }),
    queryFn: ({ pageParam, signal }) => get<Page<Owner>>(noun, { limit: PAGE, after: pageParam, search }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
  });

export const ownerQuery = (noun: Noun, id: string) =>
  queryOptions({
    queryKey: keys.one(noun, id),
    queryFn: ({ signal }) => get<Owner>(`${noun}/${idPath(id)}`, undefined, signal),
  });

export const teamsOfQuery = (customer: string) =>
  queryOptions({
    queryKey: keys.list("teams", { customer }),
    queryFn: ({ signal }) => get<Page<Owner>>("teams", { customer, limit: CHILDREN_MAX }, signal),
  });

export const keysOfQuery = (owner: "team" | "customer", name: string) =>
  queryOptions({
    queryKey: keys.list("keys", { [owner]: name }),
    queryFn: ({ signal }) => get<Page<VirtualKey>>("keys", { [owner]: name, limit: CHILDREN_MAX }, signal),
  });

export const customerNamesQuery = queryOptions({
  queryKey: keys.list("customers", { names: true }),
  queryFn: async ({ signal }) => (await get<Page<Owner>>("customers", { limit: 500 }, signal)).items.map((one) => one.name),
  staleTime: 60_000,
});
