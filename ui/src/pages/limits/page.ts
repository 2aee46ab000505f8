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
  finds: [
    { noun: "limits", one: "limit", open: (limit) => ({ scope: limit.split("/")[0]!, limit }), create: { words: "Limit a provider", search: { scope: "provider", new: "1" } } },
  ],
  view: () => import("./view"),
};
