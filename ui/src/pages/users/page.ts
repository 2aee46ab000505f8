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
  finds: [
    { noun: "users", one: "user", whole: true, open: (user) => ({ user }), create: { words: "Create a user", search: { new: "1" } } },
    { noun: "tokens", one: "API token", whole: true, open: () => ({ tab: "tokens" }), create: { words: "Create an API token", search: { tab: "tokens", new: "1" } } },
    { noun: "roles", one: "role", whole: true, open: (role) => ({ tab: "roles", role }), create: { words: "Create a role", search: { tab: "roles", new: "1" } } },
  ],
  view: () => import("./view"),
};
