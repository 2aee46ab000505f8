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
  view: () => import("./view"),
};
