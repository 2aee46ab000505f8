import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "fallbacks",
  title: "Fallbacks",
  group: "Govern",
  order: 6,
  icon: "fallbacks",
  needs: "fallbacks:read",
  key: "f",
  words: "failover backup retry other model",
  finds: [
    { noun: "fallbacks", one: "fallback", open: (from) => ({ from }), create: { words: "Create a fallback", search: { new: "1" } } },
  ],
  view: () => import("./view"),
};
