import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "models",
  title: "Models",
  group: "Models",
  order: 2,
  icon: "models",
  needs: "models:read",
  key: "m",
  words: "prices cost context window capabilities catalogue",
  finds: [
    { noun: "models", one: "model", open: (model) => ({ model }) },
  ],
  view: () => import("./view"),
};
