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
  view: () => import("./view"),
};
