// What the page asks the API for.

import { queryOptions } from "@tanstack/react-query";
import { get } from "@/kit/api";
import { keys } from "@/kit/query";
import type { Page } from "@/kit/types";
import type { Permission } from "./permissions";
import type { Role, Token, User } from "./types";

const listed = <T>(noun: string) =>
  queryOptions({
    queryKey: keys.list(noun),
    queryFn: async ({ signal }) => (await get<Page<T>>(noun, undefined, signal)).items,
  });

export const usersQuery = listed<User>("users");
export const tokensQuery = listed<Token>("tokens");
export const rolesQuery = listed<Role>("roles");
export const permissionsQuery = { ...listed<Permission>("permissions"), staleTime: Infinity };

/** Names of teams, for the scope of a role. */
export const teamNamesQuery = queryOptions({
  queryKey: keys.list("teams", { names: true }),
  queryFn: async ({ signal }) => (await get<Page<{ name: string }>>("teams", { limit: 500 }, signal)).items.map((one) => one.name),
  staleTime: 60_000,
});
