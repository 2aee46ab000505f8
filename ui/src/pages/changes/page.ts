import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "changes",
  title: "Changes",
  group: "Platform",
  order: 4,
  icon: "clock",
  needs: "changes:read",
  key: "c",
  words: "audit log history who changed what diff",
  view: () => import("./view"),
};
