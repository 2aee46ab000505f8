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
  finds: [
    { noun: "keys", one: "virtual key", open: (key) => ({ key }), create: { words: "Create a virtual key", search: { new: "1" } } },
  ],
  view: () => import("./view"),
};
