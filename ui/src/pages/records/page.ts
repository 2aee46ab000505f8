import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "records",
  title: "Records",
  group: "Observe",
  order: 2,
  icon: "records",
  needs: "records:read",
  key: "r",
  words: "logs requests calls traces live tail export",
  view: () => import("./view"),
};
