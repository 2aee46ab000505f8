import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "providers",
  title: "Providers",
  group: "Models",
  order: 1,
  icon: "providers",
  needs: "providers:read",
  key: "p",
  words: "openai anthropic groq credentials keys health cool-down circuit breaker",
  finds: [
    { noun: "providers", one: "provider", open: (provider) => ({ provider }), create: { words: "Add a provider", search: { new: "1" } } },
  ],
  view: () => import("./view"),
};
