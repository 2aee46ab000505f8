import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "cache",
  title: "Cache",
  group: "Observe",
  order: 4,
  icon: "table",
  needs: "cache:read",
  words: "cached replies hits misses hit rate saved semantic shadow clear entries",
  view: () => import("./view"),
};
