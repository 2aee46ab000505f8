import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "limits",
  title: "Limits",
  group: "Govern",
  order: 5,
  icon: "limits",
  needs: "limits:read",
  key: "l",
  words: "budgets rate limits providers models provider keys quotas",
  view: () => import("./view"),
};
