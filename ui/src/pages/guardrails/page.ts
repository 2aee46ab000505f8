import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "guardrails",
  title: "Guardrails",
  group: "Govern",
  order: 7,
  icon: "roles",
  needs: "guardrails:read",
  key: "g",
  words: "guardrails secrets pii redact block injection content safety",
  finds: [
    { noun: "guardrails", one: "guardrail", open: (rule) => ({ rule }), create: { words: "Create a guardrail", search: { new: "1" } } },
  ],
  view: () => import("./view"),
};
