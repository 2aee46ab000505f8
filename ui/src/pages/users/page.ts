import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "users",
  title: "Users and tokens",
  group: "Platform",
  order: 2,
  icon: "users",
  needs: "users:read",
  key: "a",
  words: "people roles permissions api tokens admin editor viewer access",
  view: () => import("./view"),
};
