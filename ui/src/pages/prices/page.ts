import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "prices",
  title: "Prices",
  group: "Models",
  order: 3,
  icon: "prices",
  needs: "prices:read",
  key: "d",
  words: "cost price overrides tokens dollars",
  view: () => import("./view"),
};
