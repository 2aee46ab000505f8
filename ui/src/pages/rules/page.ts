import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "rules",
  title: "Routing rules",
  group: "Govern",
  order: 3,
  icon: "rules",
  needs: "routing-rules:read",
  key: "u",
  words: "routing cel conditions targets weights dry run",
  finds: [
    { noun: "routing-rules", one: "routing rule", open: (rule) => ({ rule }), create: { words: "Create a routing rule", search: { new: "1" } } },
  ],
  view: () => import("./view"),
};
