import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "sessions",
  title: "Sessions",
  group: "Observe",
  order: 3,
  icon: "sessions",
  needs: "records:read",
  key: "n",
  words: "agents runs conversations timeline waterfall claude code codex gemini cli tool calls cost of a session",
  view: () => import("./view"),
};
