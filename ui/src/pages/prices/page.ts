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
  finds: [
    { noun: "prices", one: "price", open: (price) => ({ price }), create: { words: "Create a price", search: { new: "1" } } },
  ],
  view: () => import("./view"),
};
