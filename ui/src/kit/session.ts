// Who is logged in and what that person may do. It decides what is shown; only the API enforces.

import { queryOptions, useQuery } from "@tanstack/react-query";
import { get, keepCsrf } from "./api";
import { keys } from "./query";
import type { Me } from "./types";

export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: async ({ signal }) => {
    const me = await get<Me>("me", undefined, signal);
    keepCsrf(me.csrf);
    return me;
  },
  staleTime: 60_000,
  retry: false,
});

/** Whether `me` may do it: a pair `noun:verb`, such as `keys:write`. */
export function may(me: Me | undefined, permission: string): boolean {
  return me?.permissions.includes(permission) ?? false;
}

export function useMe(): Me | undefined {
  return useQuery(meQuery).data;
}

export function useMay(permission: string): boolean {
  return may(useMe(), permission);
}
