import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "overview",
  title: "Overview",
  group: "Observe",
  order: 1,
  icon: "overview",
  needs: "spend:read",
  key: "o",
  words: "dashboard spend cost latency errors tokens usage",
  view: () => import("./view"),
};
