import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "keys",
  title: "Virtual keys",
  group: "Govern",
  order: 1,
  icon: "keys",
  needs: "keys:read",
  key: "k",
  words: "api keys budgets access tokens callers",
  view: () => import("./view"),
};
