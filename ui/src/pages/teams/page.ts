import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "teams",
  title: "Teams",
  group: "Govern",
  order: 2,
  icon: "teams",
  needs: "teams:read",
  key: "e",
  words: "customers owners tenants budgets usage organisations",
  finds: [
    { noun: "teams", one: "team", open: (team) => ({ team }), create: { words: "Create a team", search: { new: "1" } } },
    { noun: "customers", one: "customer", open: (customer) => ({ tab: "customer", customer }), create: { words: "Create a customer", search: { tab: "customer", new: "1" } } },
  ],
  view: () => import("./view"),
};
