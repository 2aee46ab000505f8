import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "system",
  title: "System",
  group: "Platform",
  order: 3,
  icon: "system",
  needs: "system:read",
  key: "h",
  words: "health processes workers memory version stores circuit breakers queue snapshot",
  view: () => import("./view"),
};
