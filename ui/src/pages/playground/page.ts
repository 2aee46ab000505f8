import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "playground",
  title: "Playground",
  group: "Models",
  order: 4,
  icon: "playground",
  needs: "playground:write",
  key: "y",
  words: "chat try prompt tools compare",
  view: () => import("./view"),
};
