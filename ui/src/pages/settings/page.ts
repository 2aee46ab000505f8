import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "settings",
  title: "Settings",
  group: "Platform",
  order: 1,
  icon: "settings",
  needs: "settings:read",
  key: "s",
  words: "configuration options defaults timeouts retention bodies",
  finds: [
    { noun: "settings", one: "setting", whole: true, open: (search) => ({ search }) },
  ],
  view: () => import("./view"),
};
